/** The files of the Debian package, each in its place. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SCRIPTS } from '../../src/cli/shells.ts';
import { tryRun } from '../setup/run.mjs';
import { configFile } from './config-file.mjs';
import { manPages } from './man-pages.mjs';

export const LIBRARY = 'usr/lib/runtime-manager';
const DOCS = 'usr/share/doc/runtime-manager';
export const APPARMOR_PROFILE = 'etc/apparmor.d/runtime-manager-helper';

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

const copyright = `Copyright: the Runtime Manager contributors
License: Apache-2.0; on Debian its text is in /usr/share/common-licenses/Apache-2.0.

The bundles in /${LIBRARY}/dist hold npm packages under MIT, ISC and similar licences, which are named in them, and for
the pages in /${LIBRARY}/dist/page/licences.txt. The package brings Node.js: node-licence.txt.gz, beside this.
`;

/** What lintian is told: Node is brought as its makers built it. @param {string} node name of the package */
const overrides = (node) =>
  [
    ...[
      'embedded-library',
      'hardening-no-pie',
      'unstripped-binary-or-object',
      'shared-library-lacks-prerequisites',
    ].map((tag) => `${tag} *${LIBRARY}/node_modules/${node}/bin/node*`),
    '# keys and tokens are put there',
    'non-standard-dir-perm 0700 != 0755 [etc/runtime-manager/]',
    '# asks only whether a daemon runs, where there is no systemd',
    'maintainer-script-calls-start-stop-daemon *',
    '',
  ].join('\n');

/** In Debian's form, with what counts beside it. @param {{ version: string, maintainer: string, madeAt: Date }} options */
const changelog = ({ version, maintainer, madeAt }) =>
  `runtime-manager (${version}) unstable; urgency=medium

  * See /usr/share/doc/runtime-manager/CHANGELOG.md.gz.

 -- ${maintainer}  ${madeAt.toUTCString().replace('GMT', '+0000')}
`;

/** The time of the last commit, so that the same commit gives the same package; without git, now. @param {string} root */
async function commitTime(root) {
  const { code, stdout } = await tryRun(['git', '-C', root, 'log', '-1', '--format=%ct'], { timeoutMs: 10_000 });
  return new Date(code === 0 ? Number(stdout.trim()) * 1000 : Math.floor(Date.now() / 1000) * 1000);
}

/** @param {string} root */
async function maintainerOf(root) {
  const text = await readFile(join(root, 'packaging/debian/control'), 'utf8');
  return /^Maintainer: (.*)$/m.exec(text)?.[1] ?? '';
}

/** @typedef {{ root: string, tree: string, node: string, version: string, madeAt: Date }} Making `tree`: the package's root directory */

/** @param {Making} making */
async function generatedFiles({ root, tree, node, version, madeAt }) {
  const put = async (/** @type {string} */ path, /** @type {string | Uint8Array} */ content) => {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  };
  await put('etc/runtime-manager/config.yaml', configFile());
  for (const { file, text } of manPages(version)) {
    await put(`usr/share/man/man${file.at(-1) ?? ''}/${file}.gz`, zipped(text));
  }
  for (const { shell, path } of completions) await put(path, SCRIPTS[shell] ?? '');
  const maintainer = await maintainerOf(root);
  await put(`${DOCS}/changelog.gz`, zipped(changelog({ version, maintainer, madeAt })));
  await put(`${DOCS}/CHANGELOG.md.gz`, zipped(await readFile(join(root, 'CHANGELOG.md'), 'utf8')));
  await put('usr/share/lintian/overrides/runtime-manager', overrides(node));
}

/**
 * Lays everything below `tree`.
 * @param {string} root of the clone @param {string} tree
 * @param {{ node: import('./node.mjs').NodePackage, version: string | undefined }} options version: instead of the package's
 */
export async function layTree(root, tree, { node: { name: node, directory, architecture }, version: wanted }) {
  const own = /** @type {{ version: string }} */ (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const version = wanted ?? debianVersion(own.version);
  const madeAt = await commitTime(root);
  const copy = async (/** @type {string} */ from, /** @type {string} */ to) =>
    cp(resolve(root, from), join(tree, to), { recursive: true, dereference: true });
  for (const path of libraryFiles) await copy(path, `${LIBRARY}/${path}`);
  for (const path of ['bin/node', 'package.json']) {
    await copy(join(directory, path), `${LIBRARY}/node_modules/${node}/${path}`);
  }
  for (const path of documentation) await copy(path, `${DOCS}/${path}`);
  await writeFile(join(tree, DOCS, 'copyright'), copyright);
  await writeFile(join(tree, DOCS, 'node-licence.txt.gz'), zipped(await readFile(join(directory, 'LICENSE'), 'utf8')));
  for (const unit of ['runtimemanagerd.service', 'runtime-manager.slice']) {
    await copy(`packaging/systemd/${unit}`, `usr/lib/systemd/system/${unit}`);
  }
  await copy('packaging/apparmor/runtime-manager-helper', APPARMOR_PROFILE);
  await generatedFiles({ root, tree, node, version, madeAt });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  for (const name of ['runtimemanagerd', 'runtimectl', 'runtime-manager-setup']) {
    await symlink(`../lib/runtime-manager/bin/${name}`, join(tree, 'usr/bin', name));
  }
  return { root, node, version, architecture, madeAt };
}
