import { spawn } from 'node:child_process';
import { Failure, Stopped, lastLines } from './failure.mjs';

/** @typedef {{ stdout: string, stderr: string, output: string, code: number | null }} Result */
/** @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, uninterruptible?: boolean }} RunOptions */

const maxOutputBytes = 4 * 1024 * 1024;
/** Time that a tool has for its own clean-up between the first signal and SIGKILL. */
const graceMs = 3000;

/** The process groups that a stop ends; an uninterruptible one (dpkg) is waited for instead. @type {Set<number>} */
const groups = new Set();
/** @type {NodeJS.Signals | undefined} */
let stopSignal;
/** @type {number | undefined} */
let lockFd;

/**
 * Tools started from here on hold the clone's lock too: when this process is killed, the next set-up waits for an npm
 * that still writes. Not those of the machine (apt), which may start a daemon that stays.
 * @param {number} fd
 */
export function shareLock(fd) {
  lockFd = fd;
}

/** @param {number} group @param {NodeJS.Signals} signal */
function signalGroup(group, signal) {
  try {
    process.kill(-group, signal);
  } catch {
    // It is gone, which is what was wanted.
  }
}

/** From here on SIGINT, SIGTERM and SIGHUP end the running tool and make `run` throw, so that every `finally` runs. */
export function stopOnSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      stopSignal ??= signal;
      for (const group of groups) {
        signalGroup(group, 'SIGTERM');
        setTimeout(() => groups.has(group) && signalGroup(group, 'SIGKILL'), graceMs).unref();
      }
    });
  }
}

export function throwIfStopped() {
  if (stopSignal !== undefined) throw new Stopped(stopSignal);
}

/**
 * Runs a tool to its end in a process group of its own, so that a stop reaches its children too and a Ctrl-C on the
 * terminal reaches it only through us. Never throws because of the exit code; throws when there is no such tool, when
 * the time is up, and when a stop was asked for.
 * @param {readonly [string, ...string[]]} argv
 * @param {RunOptions} [options]
 * @returns {Promise<Result>}
 */
export async function tryRun([file, ...args], { cwd, env, timeoutMs = 600_000, uninterruptible = false } = {}) {
  throwIfStopped();
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['ignore', 'pipe', 'pipe', ...(lockFd === undefined || uninterruptible ? [] : [lockFd])];
  const child = spawn(file, args, { cwd, env: env ?? process.env, detached: true, stdio });
  const group = child.pid ?? 0;
  if (group !== 0 && !uninterruptible) groups.add(group);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (group !== 0) signalGroup(group, 'SIGKILL');
  }, timeoutMs);
  const result = { stdout: '', stderr: '', output: '' };
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name]?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      result[name] = (result[name] + text).slice(-maxOutputBytes);
      result.output = (result.output + text).slice(-maxOutputBytes);
    });
  }
  try {
    /** @type {number | null} */
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (timedOut) {
      throw new Failure({
        what: `${[file, ...args].join(' ')} did not end within ${String(timeoutMs / 1000)} s`,
        why: lastLines(result.output),
        next: 'look at what it waits for, then run this again',
      });
    }
    throwIfStopped();
    return { ...result, code };
  } finally {
    clearTimeout(timer);
    groups.delete(group);
  }
}

/**
 * `tryRun`, and a failure when the tool does not succeed.
 * @param {readonly [string, ...string[]]} argv
 * @param {RunOptions & { next: string, why?: (output: string) => string }} options
 *   `next`: what a person can do about it; `why`: what of the output tells the reason
 */
export async function run(argv, { next, why = lastLines, ...options }) {
  const { code, output, stdout } = await tryRun(argv, options).catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Failure({ what: `there is no ${argv[0]} on this machine`, next });
  });
  if (code !== 0) {
    throw new Failure({ what: `${argv.join(' ')} failed (exit code ${String(code)})`, why: why(output), next });
  }
  return stdout;
}
