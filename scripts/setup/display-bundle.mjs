import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findLibraries } from './bundle-libraries.mjs';
import { readSystem } from './host-packages.mjs';
import { machine, putInPlace } from './prefix.mjs';
import { fetchPackages } from './private-apt.mjs';
import { say, step } from './progress.mjs';
import { run } from './run.mjs';

/** One compositor for every machine and every app's root file system: that of Debian 13. */
const suite = 'trixie';
const packages = ['sway', 'grim', 'dash', 'coreutils'];
/** dash and sleep: in an app's container the compositor is started by a script, whatever the app's root file system has. */
const programs = ['sway', 'grim', 'dash', 'sleep'];
const script = 'with-display.sh';
/** Keyboard layouts, which the compositor compiles into a keymap at its start. */
const xkb = 'share/X11/xkb';

/** What makes a bundle out of date. */
const scriptText = readFileSync(new URL(script, import.meta.url), 'utf8');
const recipe = createHash('sha256')
  .update(JSON.stringify([suite, packages, programs, xkb, scriptText]))
  .digest('hex');

const dpkgNext = 'free some disk (1 GB), then run this again';

/**
 * `bin`, `lib` with the loader, and the keyboard layouts. Nothing in it names the place where it lies, so it can be mounted
 * anywhere: `lib/LOADER --library-path lib bin/sway`, with XKB_CONFIG_ROOT.
 * @param {string} unpacked @param {string} directory
 */
async function assemble(unpacked, directory) {
  await mkdir(join(directory, 'bin'), { recursive: true });
  await mkdir(join(directory, 'lib'));
  const { multiarch, loader } = machine();
  const wanted = { programs, loader: join(unpacked, 'usr', 'lib', multiarch, loader) };
  for (const path of await findLibraries(unpacked, wanted)) {
    await copyFile(path, join(directory, 'lib', basename(path)));
  }
  await chmod(join(directory, 'lib', loader), 0o755);
  for (const name of programs) await copyFile(join(unpacked, 'usr', 'bin', name), join(directory, 'bin', name));
  await cp(join(unpacked, 'usr', xkb), join(directory, 'share', 'xkb'), { recursive: true, verbatimSymlinks: true });
  await writeFile(join(directory, script), scriptText);
  const sway = ['--library-path', join(directory, 'lib'), join(directory, 'bin', 'sway'), '--version'];
  const version = await run([join(directory, 'lib', loader), ...sway], { next: 'run this again' });
  await writeFile(join(directory, 'bundle.json'), `${JSON.stringify({ loader, version: version.trim(), recipe })}\n`);
}

/**
 * Makes sure that `directory` holds the compositor of the apps' displays: 28 MB that run on any Linux of this processor.
 * @param {{ directory: string, scratch: string }} places `scratch` is removed by the caller
 */
export async function provideDisplayBundle({ directory, scratch }) {
  const file = join(directory, 'bundle.json');
  if (existsSync(file) && JSON.parse(await readFile(file, 'utf8')).recipe === recipe) return;
  const { name, debian } = readSystem();
  if (debian === undefined) {
    say(`this is ${name}, so no compositor is fetched: apps with a display need sway and grim of the machine's own`);
    return;
  }
  await step(`compositor for the apps' displays (${packages.join(', ')} of Debian ${suite}, 65 MB)`, async () => {
    const unpacked = join(scratch, 'display-root');
    const made = join(scratch, 'display');
    await mkdir(unpacked, { recursive: true });
    for (const deb of await fetchPackages(packages, { suite, directory: join(scratch, 'display-apt') })) {
      await run(['dpkg-deb', '--extract', deb, unpacked], { next: dpkgNext });
    }
    await assemble(unpacked, made);
    await putInPlace(made, directory);
  });
}
