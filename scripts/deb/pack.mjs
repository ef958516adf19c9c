/** A tree of files and packaging/debian → a .deb. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../setup/run.mjs';
import { APPARMOR_PROFILE } from './tree.mjs';

const MAINTAINER_SCRIPTS = ['postinst', 'prerm', 'postrm'];
const CONFIGURATION = 'etc/runtime-manager';

/** @param {string} tree @returns {Promise<string[]>} every file and link, from the tree on */
async function filesOf(tree) {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort();
}

/** Modes as a package has them, whatever the umask of who builds it. @param {string} tree */
async function setModes(tree) {
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const isProgram = entry.isDirectory() || ((await stat(path)).mode & 0o100) !== 0;
    await chmod(path, isProgram ? 0o755 : 0o644);
  }
  await chmod(tree, 0o755);
  // as the unit makes it: keys and tokens are put there
  await chmod(join(tree, CONFIGURATION), 0o700);
}

/** @param {string} path */
async function md5(path) {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** @param {string} tree */
async function checksums(tree) {
  const lines = [];
  for (const path of await filesOf(tree)) {
    const isConffile = path.startsWith('etc/');
    const isFile = (await stat(join(tree, path))).isFile() && !path.startsWith('usr/bin/');
    if (isFile && !isConffile) lines.push(`${await md5(join(tree, path))}  ${path}\n`);
  }
  return lines.join('');
}

/** In KiB, as dpkg counts. @param {string} tree */
async function installedSize(tree) {
  const sizes = await Promise.all((await filesOf(tree)).map(async (path) => (await stat(join(tree, path))).size));
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0);
}

/** What every dpkg can read. @param {number} level */
const compression = (level) => (level === 0 ? ['-Znone'] : ['-Zxz', `-z${String(level)}`]);

/**
 * Returns the path of the package.
 * @param {{ root: string, tree: string, node: string, version: string, architecture: string, madeAt: Date, directory: string, level: number }} options
 */
export async function packTree({ root, tree, node, version, architecture, madeAt, directory, level }) {
  await setModes(tree);
  const values = /** @type {Record<string, string>} */ ({
    VERSION: version,
    ARCHITECTURE: architecture,
    INSTALLED_SIZE: String(await installedSize(tree)),
    NODE: node,
  });
  const sums = await checksums(tree);
  await mkdir(join(tree, 'DEBIAN'), { mode: 0o755 });
  for (const name of ['control', ...MAINTAINER_SCRIPTS]) {
    const text = await readFile(join(root, 'packaging/debian', name), 'utf8');
    const path = join(tree, 'DEBIAN', name);
    await writeFile(
      path,
      text.replaceAll(/@([A-Z_]+)@/g, (_, key) => values[key] ?? ''),
    );
    await chmod(path, name === 'control' ? 0o644 : 0o755);
  }
  await writeFile(join(tree, 'DEBIAN/md5sums'), sums);
  await writeFile(join(tree, 'DEBIAN/conffiles'), `/${CONFIGURATION}/config.yaml\n/${APPARMOR_PROFILE}\n`);
  const file = join(directory, `runtime-manager_${version}_${architecture}.deb`);
  await run(['dpkg-deb', '--root-owner-group', ...compression(level), '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(madeAt.getTime() / 1000) },
    next: 'apt-get install dpkg, and see that there is room where it is put and in the temporary directory',
  });
  return file;
}
