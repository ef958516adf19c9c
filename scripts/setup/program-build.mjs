import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashInputs, stampName } from '../build-inputs.mjs';
import { packagedNode } from './npm-packages.mjs';
import { step } from './progress.mjs';
import { run } from './run.mjs';

/** Builds dist unless it is of these very sources. @param {string} root */
export async function provideBuild(root) {
  if (!existsSync(join(root, 'src'))) return; // an installed package, built where it was packed
  const stamp = join(root, 'dist', stampName);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hashInputs(root)) return;
  await step('build', () =>
    run([packagedNode(root) ?? process.execPath, 'scripts/build.mjs'], {
      cwd: root,
      next: 'mend what the message names, then run this again',
    }),
  );
}
