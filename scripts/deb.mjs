// Makes the Debian package: `npm run deb`, or with options
//   --out DIR        where it is put (the clone)
//   --version V      Debian's version of it (the package's)
//   --level N        of compression, 0 (none) to 19 (10): 1 is made in seconds, 10 is a fifth smaller
// It needs dpkg-deb and the npm packages; nothing is installed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packTree } from './deb/pack.mjs';
import { layTree } from './deb/tree.mjs';
import { Failure } from './setup/failure.mjs';
import { provideBuild } from './setup/program-build.mjs';
import { say } from './setup/progress.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

function readOptions() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: root },
      version: { type: 'string' },
      level: { type: 'string', default: '10' },
    },
  });
  if (/^\d{1,2}$/.test(values.level)) return values;
  throw new Failure({ what: `--level cannot be ${values.level}`, next: 'give a number from 0 to 19' });
}

async function makePackage() {
  const { out, version, level } = readOptions();
  await provideBuild(root);
  const scratch = await mkdtemp(join(tmpdir(), 'runtime-manager-deb-'));
  try {
    const tree = join(scratch, 'tree');
    const control = await layTree(root, tree, version);
    const file = await packTree({ ...control, tree, directory: resolve(out), level: Number(level) });
    say(`${file}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

try {
  await makePackage();
} catch (error) {
  console.error(error instanceof Failure ? error.text('deb') : error);
  process.exitCode = 1;
}
