// Writes the generated parts of docs/ from the tables in src; `--check` only says which of them are stale.
// Run it as `npm run docs`: it needs the Node of the package, which reads the TypeScript sources as they are.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { PAGES, renderPage } from './docs/pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCheck = process.argv.includes('--check');

for (const page of PAGES) {
  const path = join(root, page.path);
  const present = readFileSync(path, 'utf8');
  const wanted = renderPage(page, present);
  if (wanted === present) continue;
  if (isCheck) {
    console.error(`docs: ${page.path} is stale; run \`npm run docs\``);
    process.exitCode = 1;
  } else {
    writeFileSync(path, wanted);
    console.log(`docs: ${page.path} written`);
  }
}
