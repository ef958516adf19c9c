import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findLibraries } from './bundle-libraries.mjs';
import { Failure } from './failure.mjs';
import { readSystem } from './host-packages.mjs';
import { machine, putInPlace } from './prefix.mjs';
import { fetchPackages } from './private-apt.mjs';
import { say, step } from './progress.mjs';
import { run } from './run.mjs';

/** Debian 12's wayvnc draws with the processor alone; that of Debian 13 needs 400 MB for video encoders and drivers. */
const suite = 'bookworm';
const packages = ['wayvnc'];
const program = 'wayvnc';
/** Keyboard layouts: it translates what viewers type. */
const xkb = 'share/X11/xkb';

const recipe = createHash('sha256')
  .update(JSON.stringify([suite, packages, xkb]))
  .digest('hex');

/** `bin`, `lib` with the loader, keyboard layouts; nothing in it names its place. @param {string} unpacked @param {string} directory */
async function assemble(unpacked, directory) {
  const { multiarch, loader } = machine();
  const wanted = { programs: [program], loader: join(unpacked, 'lib', multiarch, loader) };
  const lib = join(directory, 'lib');
  await mkdir(lib, { recursive: true });
  await mkdir(join(directory, 'bin'));
  for (const path of await findLibraries(unpacked, wanted)) await copyFile(path, join(lib, basename(path)));
  await chmod(join(lib, loader), 0o755);
  await copyFile(join(unpacked, 'usr', 'bin', program), join(directory, 'bin', program));
  await cp(join(unpacked, 'usr', xkb), join(directory, 'share', 'xkb'), { recursive: true, verbatimSymlinks: true });
  const argv = /** @type {const} */ ([join(lib, loader), '--library-path', lib, join(directory, 'bin', program)]);
  const version = await run([...argv, '--version'], { next: 'run this again' });
  const described = { loader, version: version.trim().split('\n')[0], recipe };
  await writeFile(join(directory, 'bundle.json'), `${JSON.stringify(described)}\n`);
}

/** @param {{ directory: string, scratch: string }} places */
async function make({ directory, scratch }) {
  const unpacked = join(scratch, 'view-root');
  const made = join(scratch, 'view');
  await mkdir(unpacked, { recursive: true });
  for (const deb of await fetchPackages(packages, { suite, directory: join(scratch, 'view-apt') })) {
    await run(['dpkg-deb', '--extract', deb, unpacked], { next: 'free some disk (100 MB), then run this again' });
  }
  await assemble(unpacked, made);
  await putInPlace(made, directory);
}

/**
 * Makes sure that `directory` holds what shows the apps' displays live: 16 MB that run on any Linux of this processor. Nothing else
 * needs it, so a machine that cannot fetch it is only told.
 * @param {{ directory: string, scratch: string }} places `scratch` is removed by the caller
 */
export async function provideViewBundle({ directory, scratch }) {
  const file = join(directory, 'bundle.json');
  if (existsSync(file) && JSON.parse(await readFile(file, 'utf8')).recipe === recipe) return;
  const { name, debian } = readSystem();
  if (debian === undefined) {
    say(`this is ${name}, so no wayvnc is fetched: a live view of displays needs wayvnc of the machine's own`);
    return;
  }
  try {
    await step(`live view of the apps' displays (${packages.join(', ')} of Debian ${suite}, 25 MB)`, () =>
      make({ directory, scratch }),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`no live view of displays: ${error.what}; ${error.next}`);
  }
}
