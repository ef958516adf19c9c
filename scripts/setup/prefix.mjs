import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { provideHostCommands } from './host-packages.mjs';
import { fetchPackages } from './private-apt.mjs';
import { run } from './run.mjs';

/** Debian's testing suite: its CRIU is 4.2 or newer, which kernels from 6.16 on need. */
const suite = 'forky';
const packages = [
  ...['criu', 'libcriu2', 'crun', 'runc', 'conmon', 'tini-static', 'nftables'],
  ...['skopeo', 'umoci', 'squashfs-tools', 'erofs-utils'],
];

/** `dynamic`: takes its libraries from the prefix. */
const programs = [
  { path: 'usr/sbin/criu', dynamic: true },
  { path: 'usr/sbin/runc', dynamic: true },
  { path: 'usr/bin/crun', dynamic: true },
  { path: 'usr/bin/conmon', dynamic: true },
  { path: 'usr/bin/skopeo', dynamic: true },
  { path: 'usr/bin/umoci', dynamic: true },
  { path: 'usr/bin/mksquashfs', dynamic: true },
  { path: 'usr/bin/mkfs.erofs', dynamic: true },
  { path: 'usr/bin/tini-static', dynamic: false },
  { path: 'usr/sbin/nft', dynamic: true },
];

/** Debian's name of the kind of machine, and its dynamic loader. */
const machines = new Map([
  ['x64', { multiarch: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' }],
  ['arm64', { multiarch: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' }],
]);

/** Of this machine. */
export function machine() {
  const found = machines.get(process.arch);
  if (found !== undefined) return found;
  throw new Failure({ what: `no tools for ${process.arch}`, next: 'use an x64 or arm64 machine' });
}

/** @param {string} path */
const sha256 = async (path) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** @param {string} deb */
async function describePackage(deb) {
  const format = '${Package}\t${Version}\t${Architecture}';
  const text = await run(['dpkg-deb', '--show', '--showformat', format, deb], { next: 'run this again' });
  const [name = '', version = '', architecture = ''] = text.split('\t');
  return { name, version, architecture, sha256: await sha256(deb) };
}

/** The libraries of one Debian folder, flat. @param {string} from @param {string} to */
async function copyLibraries(from, to) {
  if (!existsSync(from)) return;
  for (const name of await readdir(from)) {
    const path = join(from, name);
    const status = await lstat(path);
    if (!/\.so(\.|$)/.test(name) || status.isDirectory()) continue;
    const leavesFolder = status.isSymbolicLink() && (await readlink(path)).includes('/');
    if (!leavesFolder) await cp(path, join(to, name), { verbatimSymlinks: true });
  }
}

/**
 * One flat folder of libraries and one of programs. The programs are told where their loader and libraries will be:
 * `final`, not where they are now. As DT_RPATH, not DT_RUNPATH: only that holds for the libraries' own libraries and for
 * crun's dlopen of libcriu. A wrapper around the loader would not do: runc starts itself again through /proc/self/exe.
 * @param {string} unpacked
 * @param {{ directory: string, final: string }} options
 */
async function assemble(unpacked, { directory, final }) {
  const { multiarch, loader } = machine();
  const lib = join(directory, 'lib');
  await mkdir(join(directory, 'bin'), { recursive: true });
  await mkdir(lib);
  await copyLibraries(join(unpacked, 'usr', 'lib', multiarch), lib);
  await copyLibraries(join(unpacked, 'lib', multiarch), lib);
  for (const { path, dynamic } of programs) {
    const program = join(directory, 'bin', path.slice(path.lastIndexOf('/') + 1));
    await copyFile(join(unpacked, path), program);
    await chmod(program, 0o755);
    if (!dynamic) continue;
    const where = ['--set-interpreter', join(final, 'lib', loader), '--force-rpath', '--set-rpath', join(final, 'lib')];
    await run(['patchelf', ...where, program], { next: 'run this again' });
  }
}

/** `sha256sum --check MANIFEST.sha256` in the prefix shows whether a file was changed since. @param {string} directory */
async function writeManifest(directory) {
  const lines = [];
  for (const folder of ['bin', 'lib']) {
    for (const name of (await readdir(join(directory, folder))).sort()) {
      const path = join(directory, folder, name);
      if ((await lstat(path)).isFile()) lines.push(`${await sha256(path)}  ${folder}/${name}\n`);
    }
  }
  await writeFile(join(directory, 'MANIFEST.sha256'), lines.join(''));
}

/** @typedef {{ source: string, prefix: string, packages: { name: string, version: string }[] }} Versions */

/** What the tools in `prefix` are; `undefined` when there are none or they were made for another place. @param {string} prefix @returns {Promise<Versions | undefined>} */
export async function readVersions(prefix) {
  const text = await readFile(join(prefix, 'versions.json'), 'utf8').catch(() => '');
  const versions = text === '' ? undefined : JSON.parse(text);
  return versions?.prefix === prefix ? versions : undefined;
}

/** @param {string} directory @param {Versions} versions */
export const writeVersions = (directory, versions) =>
  writeFile(join(directory, 'versions.json'), `${JSON.stringify(versions, null, 2)}\n`);

/** @param {string} directory @param {string} prefix */
export async function putInPlace(directory, prefix) {
  await rm(`${prefix}.old`, { recursive: true, force: true });
  if (existsSync(prefix)) await rename(prefix, `${prefix}.old`);
  await rename(directory, prefix);
  await rm(`${prefix}.old`, { recursive: true, force: true });
}

/**
 * Makes `prefix` from Debian's testing suite, whole or not at all, and leaves the machine's own packages as they are.
 * @param {string} prefix @param {string} scratch
 */
export async function buildPrefix(prefix, scratch) {
  await provideHostCommands(new Map([['patchelf', 'patchelf']]));
  const unpacked = join(scratch, 'root');
  const directory = join(scratch, 'prefix');
  await mkdir(unpacked, { recursive: true });
  const debs = await fetchPackages(packages, { suite, directory: join(scratch, 'apt') });
  for (const deb of debs) {
    await run(['dpkg-deb', '--extract', deb, unpacked], { next: 'free some disk, then run this again' });
  }
  await assemble(unpacked, { directory, final: prefix });
  await writeManifest(directory);
  const described = await Promise.all(debs.map(describePackage));
  await writeVersions(directory, { source: `Debian ${suite}, in a private prefix`, prefix, packages: described });
  await putInPlace(directory, prefix);
}
