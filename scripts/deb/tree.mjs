/** The files of the Debian package, each in its place. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SCRIPTS } from '../../src/cli/shells.ts';
import { Failure } from '../setup/failure.mjs';
import { configFile } from './config-file.mjs';
import { manPages } from './man-pages.mjs';

export const LIBRARY = 'usr/lib/runtime-manager';
const DOCS = 'usr/share/doc/runtime-manager';

/** Node's name of an architecture → Debian's. */
const architectures = /** @type {const} */ ({ x64: 'amd64', arm64: 'arm64' });

/** From the clone, as it is there. Of scripts: what brings tools where Debian's are too old, and what a removal runs. */
const libraryFiles = [
  ...['package.json', 'bin', 'dist'],
  ...['scripts/setup.mjs', 'scripts/setup', 'scripts/build-inputs.mjs', 'scripts/deb/end-apps.mjs'],
];
const documentation = ['README.md', 'docs', 'examples', 'packaging/grafana'];

const completions = [
  { shell: 'bash', path: 'usr/share/bash-completion/completions/runtimectl' },
  { shell: 'zsh', path: 'usr/share/zsh/vendor-completions/_runtimectl' },
  { shell: 'fish', path: 'usr/share/fish/vendor_completions.d/runtimectl.fish' },
];

/** Policy wants no name of the maker and no time in it: two builds of the same files are the same. @param {string} text */
const zipped = (text) => gzipSync(text, { level: 9 });

/** Semantic Versioning's `1.0.0-rc.1` comes before 1.0.0; Debian's sign for that is a tilde. @param {string} version */
const debianVersion = (version) => version.replace('-', '~');

/** @param {string} root @param {string} node name of the package */
async function copyright(root, node) {
  const [own, nodes] = await Promise.all(
    ['LICENSE', `node_modules/${node}/LICENSE`].map((path) => readFile(join(root, path), 'utf8')),
  );
  return [
    'Runtime Manager is under the Apache License 2.0; on Debian its text is in /usr/share/common-licenses/Apache-2.0, too.',
    `The bundles in /${LIBRARY}/dist hold npm packages under MIT, ISC and similar licences, which are named in them, and`,
    `for the pages in /${LIBRARY}/dist/page/licences.txt. The package brings Node.js, whose licence is below.`,
    `\n${'-'.repeat(80)}\n\n${own ?? ''}\n${'-'.repeat(80)}\n\n${nodes ?? ''}`,
  ].join('\n');
}

/** @param {string} root @param {string} tree the package's root directory @param {string} version */
async function generatedFiles(root, tree, version) {
  const put = async (/** @type {string} */ path, /** @type {string | Uint8Array} */ content) => {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  };
  await put('etc/runtime-manager/config.yaml', configFile());
  for (const { file, text } of manPages(version)) {
    await put(`usr/share/man/man${file.at(-1) ?? ''}/${file}.gz`, zipped(text));
  }
  for (const { shell, path } of completions) await put(path, SCRIPTS[shell] ?? '');
  await put(`${DOCS}/changelog.gz`, zipped(await readFile(join(root, 'CHANGELOG.md'), 'utf8')));
}

/**
 * Lays everything below `tree`, for the architecture of this machine. Throws a Failure where the package's Node is missing.
 * @param {string} root of the clone @param {string} tree @param {string} [wanted] version, instead of the package's
 */
export async function layTree(root, tree, wanted) {
  const architecture = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : undefined;
  const node = `node-linux-${process.arch}`;
  if (architecture === undefined || !existsSync(join(root, 'node_modules', node, 'bin/node'))) {
    throw new Failure({ what: `there is no node_modules/${node}`, next: 'run `npm run setup` on x64 or arm64' });
  }
  const { version } = /** @type {{ version: string }} */ (
    JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  );
  const copy = async (/** @type {string} */ from, /** @type {string} */ to) =>
    cp(join(root, from), join(tree, to), { recursive: true, dereference: true });
  for (const path of libraryFiles) await copy(path, `${LIBRARY}/${path}`);
  for (const path of ['bin/node', 'package.json']) {
    await copy(`node_modules/${node}/${path}`, `${LIBRARY}/node_modules/${node}/${path}`);
  }
  for (const path of documentation) await copy(path, `${DOCS}/${path}`);
  await writeFile(join(tree, DOCS, 'copyright'), await copyright(root, node));
  await copy('packaging/systemd/runtimemanagerd.service', 'usr/lib/systemd/system/runtimemanagerd.service');
  await generatedFiles(root, tree, version);
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  for (const name of ['runtimemanagerd', 'runtimectl']) {
    await symlink(`../lib/runtime-manager/bin/${name}`, join(tree, 'usr/bin', name));
  }
  return { root, node, version: wanted ?? debianVersion(version), architecture: architectures[architecture] };
}
