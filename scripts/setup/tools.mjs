import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { aptInstall, findCommand, readSystem } from './host-packages.mjs';
import { buildPrefix, putInPlace, readVersions, writeVersions } from './prefix.mjs';
import { say, step } from './progress.mjs';
import { tryRun } from './run.mjs';
import { selfTest } from './self-test.mjs';

const tools = ['criu', 'runc', 'crun', 'conmon', 'tini-static', 'nft', 'skopeo', 'umoci'];
/** Of those who make packages, the tests among them. */
const makers = ['mksquashfs', 'mkfs.erofs'];
const oldestDebianWithGoodTools = 13;

/**
 * Debian's packages of the tools. crun loads libcriu2 when it checkpoints; tini-static has a package of its own only
 * from Debian 14 on.
 * @param {number} debian
 */
const toolPackages = (debian) => [
  ...['criu', 'libcriu2', 'runc', 'crun', 'conmon', 'nftables', debian >= 14 ? 'tini-static' : 'tini'],
  ...['skopeo', 'umoci', 'squashfs-tools', 'erofs-utils'],
];

/** One that an earlier version of the set-up made lacks what was added since. @param {string} prefix */
const isWhole = (prefix) => tools.every((name) => existsSync(join(prefix, 'bin', name)));

/** What the self-test's result holds for: this kernel, these files. @param {string} bin */
async function identity(bin) {
  const files = [];
  for (const name of tools) {
    const { size, mtimeMs } = await stat(join(bin, name)); // of the target, where it is a link
    files.push([name, size, mtimeMs]);
  }
  return createHash('sha256')
    .update(JSON.stringify([release(), files]))
    .digest('hex');
}

/** @param {string} prefix */
async function passedBefore(prefix) {
  try {
    const { identity: known } = JSON.parse(await readFile(join(prefix, 'ok.json'), 'utf8'));
    return known === (await identity(join(prefix, 'bin')));
  } catch {
    return false; // No result, or a tool is missing.
  }
}

/** @param {string} prefix */
async function remember(prefix) {
  const path = join(prefix, 'ok.json');
  const result = { identity: await identity(join(prefix, 'bin')), kernel: release(), at: new Date().toISOString() };
  await writeFile(`${path}.new`, `${JSON.stringify(result, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

/** A prefix of links to the machine's own tools, so that all else looks in one place. @param {string} prefix @param {string} scratch */
async function linkHostTools(prefix, scratch) {
  const directory = join(scratch, 'links');
  await mkdir(join(directory, 'bin'), { recursive: true });
  const packages = [];
  for (const command of [...tools, ...makers]) {
    const path = findCommand(command);
    if (path === undefined) continue;
    await symlink(path, join(directory, 'bin', command));
    const { stdout } = await tryRun([path, '--version'], { timeoutMs: 10_000 });
    packages.push({ name: command, version: stdout.split('\n')[0] ?? '' });
  }
  await writeVersions(directory, { source: "the machine's own", prefix, packages });
  await putInPlace(directory, prefix);
}

/** @param {{ prefix: string, scratch: string }} places @param {string} whose */
const test = ({ prefix, scratch }, whose) =>
  step(
    `self-test of ${whose} tools: a real dump and restore`,
    () => selfTest({ bin: join(prefix, 'bin'), scratch }),
    ({ ok }) => (ok ? 'passed in' : 'failed after'),
  );

/**
 * The machine's own tools, where they can be expected to work. On Debian 12 they cannot: its CRIU is 3.17 and its crun
 * knows no CRIU.
 * @param {{ prefix: string, scratch: string }} places
 */
async function useHostTools({ prefix, scratch }) {
  const { name, debian } = readSystem();
  const wanted = debian === undefined ? tools : [...tools, ...makers];
  const missing = wanted.filter((command) => findCommand(command) === undefined);
  if (debian === undefined && missing.length > 0) {
    throw new Failure({
      what: `${missing.join(', ')} not found`,
      why: `this is ${name}; only on Debian 12 and 13 can the set-up install them`,
      next: 'install them (CRIU 4.2 or newer on kernels from 6.16 on), then run this again',
    });
  }
  if (debian !== undefined && debian < oldestDebianWithGoodTools) return false;
  if (debian !== undefined && missing.length > 0) {
    const packages = toolPackages(debian);
    await step(`Debian packages ${packages.join(', ')}`, () => aptInstall(packages));
  }
  await linkHostTools(prefix, scratch);
  const result = await test({ prefix, scratch }, `${name}'s`);
  if (result.ok) return true;
  const why = result.why.split('\n')[0] ?? '';
  if (debian !== undefined) {
    say(`the machine's own tools do not work on kernel ${release()} (${why}); taking newer ones`);
    return false;
  }
  await rm(prefix, { recursive: true, force: true });
  throw new Failure({
    what: `the tools of ${name} do not work on kernel ${release()}`,
    why: result.why,
    next: 'install CRIU 4.2 or newer, then run this again',
  });
}

/** @param {{ prefix: string, scratch: string }} places */
async function usePrivateTools({ prefix, scratch }) {
  await step('tools from Debian, in .tools', () => buildPrefix(prefix, scratch));
  const result = await test({ prefix, scratch }, 'the');
  if (result.ok) return;
  throw new Failure({
    what: `no CRIU of Debian works on kernel ${release()}`,
    why: result.why,
    next: 'see that this is root with all capabilities, and that CONFIG_CHECKPOINT_RESTORE is in the kernel',
  });
}

/**
 * Makes sure that `prefix`/bin holds a CRIU, runc, crun, conmon, tini-static, nft, skopeo and umoci that work on the running kernel.
 * The self-test's result is kept beside them, so that it is not done again for the same kernel and files.
 * @param {{ prefix: string, scratch: string }} places `scratch` is removed by the caller
 */
export async function provideTools({ prefix, scratch }) {
  if ((await readVersions(prefix)) !== undefined && isWhole(prefix)) {
    if (await passedBefore(prefix)) return;
    // Another kernel, or an upgrade of the machine's own tools.
    const result = await test({ prefix, scratch }, 'the');
    if (result.ok) return void (await remember(prefix));
  }
  if (!(await useHostTools({ prefix, scratch }))) await usePrivateTools({ prefix, scratch });
  await remember(prefix);
}
