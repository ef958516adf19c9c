import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { aptUpdate } from './host-packages.mjs';
import { run } from './run.mjs';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The Debian mirror that this machine already uses, from what apt knows of it. */
async function findMirror() {
  const list = async () => {
    const format = '$(REPO_URI)\t$(LABEL)\t$(COMPONENT)';
    const text = await run(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'], {
      next: 'see why apt cannot read its own sources (apt-get check)',
    });
    const rows = text.split('\n').map((line) => line.split('\t'));
    return rows.find(([, label, component]) => label === 'Debian' && component === 'main')?.[0];
  };
  const known = await list();
  if (known !== undefined) return known;
  await aptUpdate(); // before the first update apt names no targets
  const mirror = await list();
  if (mirror !== undefined) return mirror;
  throw new Failure({
    what: 'no Debian mirror is among the apt sources of this machine',
    next: "add Debian's main to /etc/apt/sources.list.d, then run this again",
  });
}

/**
 * An apt of our own below `directory`: the machine's apt, packages and sources are neither used nor changed. Its package
 * state is empty, so that it resolves everything that the packages need, the C library included.
 * @param {string} directory @param {string} suite
 */
async function makeAptRoot(directory, suite) {
  if (!existsSync(keyring)) {
    throw new Failure({
      what: `${keyring} is missing, so Debian's signatures cannot be checked`,
      next: 'apt-get install debian-archive-keyring, then run this again',
    });
  }
  await mkdir(join(directory, 'state', 'lists', 'partial'), { recursive: true });
  await mkdir(join(directory, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(directory, 'state', 'status'), '');
  await writeFile(join(directory, 'sources.list'), `deb [signed-by=${keyring}] ${await findMirror()} ${suite} main\n`);
  // The machine's proxies and time limits hold here too; its hooks and everything else do not.
  const acquire = await run(['apt-config', 'dump', 'Acquire'], { next: 'see why apt-config fails' });
  const configuration = [
    ...acquire.split('\n'),
    `Dir::Etc::sourcelist "${directory}/sources.list";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    `Dir::State "${directory}/state";`,
    `Dir::State::status "${directory}/state/status";`,
    `Dir::Cache "${directory}/cache";`,
    'Acquire::Languages "none";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::AllowWeakRepositories "false";',
    'Acquire::AllowDowngradeToInsecureRepositories "false";',
    'APT::Get::AllowUnauthenticated "false";',
    'APT::Install-Recommends "false";',
    'APT::Install-Suggests "false";',
    'APT::Keep-Downloaded-Packages "true";',
  ];
  const file = join(directory, 'apt.conf');
  await writeFile(file, `${configuration.join('\n')}\n`);
  return { ...process.env, APT_CONFIG: file, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };
}

/**
 * Fetches packages of a suite and all that they need. apt checks the suite's signature, and by it each package.
 * @param {readonly string[]} packages
 * @param {{ suite: string, directory: string }} options
 * @returns {Promise<string[]>} the paths of the .deb files
 */
export async function fetchPackages(packages, { suite, directory }) {
  const env = await makeAptRoot(directory, suite);
  const next = "check that Debian's mirror can be reached (apt-get update), then run this again";
  await run(['apt-get', '-q', '--error-on=any', 'update'], { env, next });
  await run(['apt-get', '-q', '-y', '--download-only', 'install', ...packages], { env, next });
  const archives = join(directory, 'cache', 'archives');
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  return names.sort().map((name) => join(archives, name));
}
