import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, lastLines } from './failure.mjs';
import { step } from './progress.mjs';
import { run, tryRun } from './run.mjs';

/** Commands that the programs call on the machine itself, and the Debian package of each. */
const hostCommands = new Map([
  ['ip', 'iproute2'],
  ['nsenter', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['unshare', 'util-linux'],
  ['mount', 'mount'],
  ['losetup', 'mount'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['ps', 'procps'],
  ['perl', 'perl-base'], // the self-test's process
]);

const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @param {string} command */
export function findCommand(command) {
  return searchPath
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

/**
 * `version`: 12, 13, …; Infinity for Debian's testing and unstable, which have none.
 * @returns {{ name: string, debian: number | undefined }}
 */
export function readSystem() {
  /** @type {Record<string, string>} */
  let fields = {};
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
    fields = Object.fromEntries(
      lines.map((line) => line.split('=')).map(([key, value]) => [key, (value ?? '').replaceAll('"', '')]),
    );
  } catch {
    // No such file: a system that we do not know.
  }
  const name = fields['PRETTY_NAME'] ?? 'an unknown system';
  return { name, debian: fields['ID'] === 'debian' ? Number(fields['VERSION_ID'] ?? Infinity) : undefined };
}

const aptEnvironment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'a', LC_ALL: 'C.UTF-8' };
const waitForDpkg = ['-o', 'DPkg::Lock::Timeout=300'];

export async function aptUpdate() {
  await run(['apt-get', '-q', ...waitForDpkg, 'update'], {
    env: aptEnvironment,
    next: "check that Debian's mirror can be reached (apt-get update), then run this again",
  });
}

/**
 * Tries with the package lists that are there first: on most machines they are good, and fetching them takes seconds.
 * Not interrupted, because a dpkg that is stopped half-way leaves the machine for the person to repair.
 * @param {string[]} packages
 */
export async function aptInstall(packages) {
  const install = () =>
    tryRun(['apt-get', '-q', '-y', ...waitForDpkg, 'install', '--no-install-recommends', ...packages], {
      env: aptEnvironment,
      uninterruptible: true,
    });
  if ((await install()).code === 0) return;
  await aptUpdate();
  await tryRun(['dpkg', '--configure', '-a'], { env: aptEnvironment, uninterruptible: true });
  const { code, stderr, output } = await install();
  if (code === 0) return;
  throw new Failure({
    what: `Debian's packages ${packages.join(', ')} could not be installed`,
    why: lastLines(stderr === '' ? output : stderr),
    next: `make \`apt-get install ${packages.join(' ')}\` work, then run this again`,
  });
}

/**
 * Makes sure of commands by installing Debian's packages of those that are missing.
 * @param {Map<string, string>} [commands] command → package
 */
export async function provideHostCommands(commands = hostCommands) {
  const missing = [...commands].filter(([command]) => findCommand(command) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  const { name, debian } = readSystem();
  if (debian === undefined) {
    throw new Failure({
      what: `${missing.map(([command]) => command).join(', ')} not found`,
      why: `this is ${name}; only on Debian 12 and 13 can the set-up install them`,
      next: `install what Debian has in ${packages.join(', ')}, then run this again`,
    });
  }
  await step(`Debian packages ${packages.join(', ')}`, () => aptInstall(packages));
}
