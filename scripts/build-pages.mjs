import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** One row a page: what it loads takes the place of `{{script}}` and `{{style}}` in its HTML. */
const pages = [
  { html: 'index.html', script: 'dashboard/main.tsx', style: 'dashboard/style.css' },
  { html: 'view.html', script: 'view/view.ts', style: 'view/view.css' },
];
/** Of what is in the scripts besides our own code. */
const licences = [
  ...['preact/LICENSE', '@preact/signals/LICENSE', 'uplot/LICENSE'],
  ...['@novnc/novnc/LICENSE.txt', '@novnc/novnc/vendor/pako/LICENSE'],
];

/** As they are. */
const files = ['icon.svg'];

/**
 * The web pages, with a hash of its content in the name of each script and style.
 * @param {{ root: string, outDir: string }} places `outDir`: what will be dist/page
 */
export async function buildPages({ root, outDir }) {
  const source = join(root, 'src/page');
  await mkdir(outDir);
  const { metafile } = await build({
    absWorkingDir: source,
    entryPoints: pages.flatMap(({ script, style }) => [script, style]),
    outdir: outDir,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  const made = Object.entries(metafile.outputs);
  /** @param {string} entry */
  const fileOf = (entry) => basename(made.find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? '');
  const texts = await Promise.all(licences.map((path) => readFile(join(root, 'node_modules', path), 'utf8')));
  await writeFile(join(outDir, 'licences.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
  for (const file of files) await copyFile(join(source, file), join(outDir, file));
  for (const { html, script, style } of pages) {
    const text = await readFile(join(source, html), 'utf8');
    const whole = text.replace('{{script}}', `/page/${fileOf(script)}`).replace('{{style}}', `/page/${fileOf(style)}`);
    await writeFile(join(outDir, html), whole);
  }
}
