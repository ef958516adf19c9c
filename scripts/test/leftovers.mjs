import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

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
  /** Control groups and files in /run do not tell whose they are: while another run of tests is under way they may be its. */
  const others = () =>
    processesOf('scripts/test.mjs').some(({ pid, text }) => pid !== process.pid && /^\S*node /.test(text));
  /** One line each. */
  const find = () => [
    ...processesOf(root).map(({ pid, text }) => `process ${String(pid)}: ${text}`),
    ...mounts()
      .filter((point) => point.startsWith(`${root}/`))
      .map((point) => `mount ${point}`),
    ...entries(root).map(({ name }) => `files in ${join(root, name)}`),
    ...(others() ? [] : shared().filter((line) => !before.has(line))),
  ];
  return {
    /** What the tests left behind, after time to go by itself. */
    async settle() {
      const endMs = Date.now() + settleMs;
      while (find().length > 0 && Date.now() < endMs) await pause(100);
      return find();
    },
    /** Ends what still runs, so that a failed run does not disturb the next. */
    endProcesses() {
      for (const { pid } of processesOf(root)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
    },
  };
}
