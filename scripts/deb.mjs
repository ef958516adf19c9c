// Makes the Debian package: `npm run deb`, or with options
//   --out DIR        where it is put (the clone)
//   --version V      Debian's version of it (the package's)
//   --level N        of compression, 0 (none) to 9 (2): 6 takes minutes and is an eighth smaller
//   --architecture A amd64 or arm64 (the machine's); the other's Node is fetched by npm, as package-lock.json knows it
// It needs dpkg-deb and the npm packages; nothing is installed.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeFor } from './deb/node.mjs';
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
      level: { type: 'string', default: '2' },
      architecture: { type: 'string', default: process.arch === 'x64' ? 'amd64' : process.arch },
    },
  });
  if (/^\d$/.test(values.level)) return values;
  throw new Failure({ what: `--level cannot be ${values.level}`, next: 'give a number from 0 to 9' });
}

async function makePackage() {
  const { out, version, level, architecture } = readOptions();
  await provideBuild(root);
  await mkdir(resolve(out), { recursive: true });
  const scratch = await mkdtemp(join(tmpdir(), 'runtime-manager-deb-'));
  try {
    const tree = join(scratch, 'tree');
    const node = await nodeFor(architecture, { root, scratch });
    const control = await layTree(root, tree, { node, version });
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
