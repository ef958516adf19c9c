import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

/** What ends by itself a moment after its test, such as a conmon that writes its last line, gets this long. */
const settleMs = 5000;
const cgroupRoot = '/sys/fs/cgroup';
const ourName = /^runtime-manager/;

/** @param {string} path @returns {string} */
function readOr(path, fallback = '') {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback; // It went while we looked.
  }
}

/** @param {string} path */
function entries(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** @param {string} root @returns {{ pid: number, text: string }[]} */
function processesOf(root) {
  return entries('/proc')
    .filter(({ name }) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(({ name }) => ({ pid: Number(name), text: readOr(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(({ text }) => text.includes(root));
}

const mounts = () =>
  readOr('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');

/** A daemon with a root of its own has its short-lived files in /run all the same. */
const runDirectories = () =>
  entries('/run')
    .filter(({ name }) => ourName.test(name))
    .map(({ name }) => `/run/${name}`);

/** @param {string} directory @returns {string[]} */
function cgroupsBelow(directory) {
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(directory, name);
      return ourName.test(name) ? [path] : cgroupsBelow(path);
    });
}

/** Our control groups, each with those in it. @param {string} top @returns {string[]} */
const withDescendants = (top) => [
  top,
  ...entries(top)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => withDescendants(join(top, name))),
];

const namespaces = () => entries('/run/netns').map(({ name }) => name);
const cgroups = () => cgroupsBelow(cgroupRoot).flatMap(withDescendants);

const DEEPEST = 5;

/** @param {string} directory @returns {string[]} */
const directoriesBelow = (directory, depth = DEEPEST) =>
  entries(directory)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .flatMap((path) => [path, ...(depth > 1 ? directoriesBelow(path, depth - 1) : [])]);

/** Daemons name what they share with others by this, as tagOf() in src/start/open-place.ts. @param {string} state their directory */
const tagOf = (state) => createHash('sha256').update(state).digest('hex').slice(0, 12);

/**
 * What is there before the tests is not theirs: a daemon may run on this machine, and other tests in another clone.
 * @param {string} root the directory that all tests of this run work in
 */
export function watchLeftovers(root) {
  const shared = () => [
    ...mounts()
      .filter((point) => point.startsWith('/run/runtime-manager'))
      .map((point) => `mount ${point}`),
    ...runDirectories().map((path) => `files in ${path}`),
    ...cgroups().map((path) => `control group ${path}`),
    ...namespaces().map((name) => `network namespace /run/netns/${name}`),
  ];
  const before = new Set(shared());
  /**
   * Control groups and files in /run may be another's who came meanwhile: of a run of tests, or of a daemon that has nothing to do
   * with tests. What the directories of this run do not prove to be its own is then not told, and never taken away.
   */
  const others = () =>
    processesOf('scripts/test.mjs').some(({ pid, text }) => pid !== process.pid && /^\S*node /.test(text)) ||
    processesOf('/daemon/main.mjs').some(({ text }) => !text.includes(root));
  const isOwn = () => {
    const tags = directoriesBelow(root)
      .filter((path) => path.endsWith('/state'))
      .map(tagOf);
    return (/** @type {string} */ path) => tags.some((tag) => path.includes(`/runtime-manager-${tag}`));
  };
  const freshOnes = () => {
    const fresh = shared().filter((line) => !before.has(line));
    return fresh.length > 0 && others() ? fresh.filter(isOwn()) : fresh;
  };
  /** One line each. */
  const find = () => [
    ...processesOf(root).map(({ pid, text }) => `process ${String(pid)}: ${text}`),
    ...mounts()
      .filter((point) => point.startsWith(`${root}/`))
      .map((point) => `mount ${point}`),
    ...entries(root).map(({ name }) => `files in ${join(root, name)}`),
    ...freshOnes(),
  ];
  return {
    /** What the tests left behind, after time to go by itself. */
    async settle() {
      const endMs = Date.now() + settleMs;
      while (find().length > 0 && Date.now() < endMs) await pause(100);
      return find();
    },
    /**
     * Takes away what is left, so that a failed or stopped run does not disturb the next. What was found has been told.
     * @param {{ files: boolean }} options files: also those of the tests, which may tell why one failed
     */
    async end({ files }) {
      killAll(processesOf(root).map(({ pid }) => pid));
      const own = isOwn();
      await endGroups(cgroups().filter(own));
      const points = mounts().filter((point) => point.startsWith(`${root}/`) || own(point));
      for (const point of points.reverse()) await run('umount', ['--lazy', point]);
      // an app's directory may still hold a mount of the machine's own files that we failed to take away
      const remove = ['-rf', '--one-file-system'];
      for (const path of runDirectories().filter(own)) await run('rm', [...remove, path]);
      if (files) await run('rm', [...remove, ...entries(root).map(({ name }) => join(root, name))]);
    },
  };
}

/** @param {string} file @param {string[]} args */
const run = (file, args) => promisify(execFile)(file, args).catch(() => undefined);

/** @param {readonly number[]} pids */
function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** Frozen processes do not die before they are thawed. @param {string} group */
function endGroup(group) {
  killAll(readOr(join(group, 'cgroup.procs')).split('\n').filter(Boolean).map(Number));
  const thaw = /** @type {const} */ ([
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ]);
  for (const [name, text] of thaw) {
    if (existsSync(join(group, name))) writeFileSync(join(group, name), text);
  }
  try {
    rmdirSync(group);
  } catch {
    // Its processes are about to end, or a group below it is.
  }
}

/** @param {string[]} groups */
async function endGroups(groups) {
  const endMs = Date.now() + settleMs;
  while (groups.some((group) => existsSync(group)) && Date.now() < endMs) {
    for (const group of groups.filter((path) => existsSync(path)).reverse()) endGroup(group);
    await pause(20);
  }
}
