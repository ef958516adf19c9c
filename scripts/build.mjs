// Builds what runs on a device: bundles of the programs, and the types of the package's main export.
// Everything is made in a new directory that takes dist's place whole, so a half-made dist does not exist.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { build } from 'esbuild';
import { hashInputs, stampName } from './build-inputs.mjs';
import { buildPages } from './build-pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Dependencies written as CommonJS call `require`, which an ES module does not have. */
const requireBanner =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/**
 * One row a bundle. `split`: what is behind `await import()` becomes a file of its own and is read when it is used.
 * `browser`: for pages, so nothing of Node may be in it: esbuild refuses to bundle what imports node:….
 */
const bundles = [
  { entry: 'src/main.ts', out: 'daemon', split: true },
  { entry: 'src/cli/main.ts', out: 'cli', split: true },
  { entry: 'src/client/node.ts', out: 'client/node.js' },
  { entry: 'src/client/browser.ts', out: 'client/browser.js', browser: true },
  { entry: 'src/tour/main.ts', out: 'tour.mjs' },
];

/**
 * An `import` of these reads every export of theirs, and the getters among them load half of Node: node:http brings undici, 13 MB and
 * 30 ms at every start. Taken as `require` would, they bring what is used (decision 0084).
 */
const asRequired = ['node:crypto', 'node:http', 'node:util'];
/** What libraries require for what they may have to do; loaded when they do. */
const whenUsed = ['https', 'tls'];
/** The same by import, which only commander does; it starts no programs for us. */
const ofCommander = 'node:child_process';

/** @type {import('esbuild').Plugin} */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${asRequired.join('|')})$`) }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'as-required' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'as-required' }, ({ path }) => {
      const members = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) ?? {}));
      const names = members
        .filter(([name, member]) => 'value' in member && /^[a-z]\w*$/i.test(name))
        .map(([name]) => name);
      return { contents: `export const { ${names.join(', ')} } = process.getBuiltinModule('${path}');` };
    });
    onResolve({ filter: new RegExp(`^(${whenUsed.join('|')})$`) }, ({ path, kind }) =>
      kind === 'require-call' ? { path, namespace: 'when-used' } : undefined,
    );
    onResolve({ filter: new RegExp(`^${ofCommander}$`) }, ({ path, importer }) =>
      importer.includes('/commander/') ? { path, namespace: 'when-used' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'when-used' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule('${path}')[name] });`,
    }));
  },
};

/** @param {{ entry: string, out: string, split?: boolean, browser?: boolean }} bundle @param {string} outDir */
async function bundleOne({ entry, out, split = false, browser = false }, outDir) {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    ...(split ? { outdir: join(outDir, out), splitting: true, chunkNames: 'chunks/[name]-[hash]' } : {}),
    ...(split ? {} : { outfile: join(outDir, out) }),
    outExtension: split ? { '.js': '.mjs' } : {},
    bundle: true,
    format: 'esm',
    ...(browser
      ? { platform: 'browser', target: 'es2022' }
      : { platform: 'node', target: 'node24', banner: { js: requireBanner }, plugins: [builtins] }),
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    logLevel: 'warning',
  });
}

/** @param {string} outDir */
async function emitTypes(outDir) {
  const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json', '--outDir', join(outDir, 'types')];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new Error('tsc could not emit the types of the exports of the package; its messages are above');
}

/** Another build may do the same at the same time; the last one stays. @param {string} from @param {string} to */
async function replaceDirectory(from, to, attempts = 5) {
  const old = `${to}.old-${String(process.pid)}`;
  try {
    if (existsSync(to)) await rename(to, old);
    await rename(from, to);
  } catch (error) {
    if (attempts === 1) throw error;
    await replaceDirectory(from, to, attempts - 1);
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

const outDir = join(root, `dist.new-${String(process.pid)}`);

async function buildAll() {
  const inputsHash = hashInputs(root);
  const present = bundles.filter(({ entry }) => existsSync(join(root, entry)));
  for (const { entry } of bundles.filter((bundle) => !present.includes(bundle))) {
    console.error(`build: ${entry} is not there yet; skipped`);
  }
  await mkdir(outDir);
  await Promise.all([
    ...present.map((bundle) => bundleOne(bundle, outDir)),
    buildPages({ root, outDir: join(outDir, 'page') }),
    ...(present.some(({ entry }) => entry === 'src/client/node.ts') ? [emitTypes(outDir)] : []),
  ]);
  await writeFile(join(outDir, stampName), inputsHash);
  await replaceDirectory(outDir, join(root, 'dist'));
}

try {
  await buildAll();
} catch (error) {
  // esbuild and tsc have already said which file and line.
  console.error(`build: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(outDir, { recursive: true, force: true });
}
