import { spawn } from 'node:child_process';

/** @typedef {{ code: number | null, output: string, seconds: number, timedOut: boolean }} Ended */

/** @type {Set<number>} */
const groups = new Set();

/** @param {NodeJS.Signals} signal */
export function signalAll(signal) {
  for (const group of groups) {
    try {
      process.kill(-group, signal);
    } catch {
      // It ended by itself.
    }
  }
}

/**
 * Runs a program to its end in a process group of its own, so that a time limit or a stop reaches all of it.
 * @param {string[]} argv
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, timeoutMs: number, capture?: boolean }} options
 * @returns {Promise<Ended>}
 */
export async function spawnGroup([file = '', ...args], { cwd, env, timeoutMs, capture = false }) {
  const startMs = performance.now();
  const out = capture ? 'pipe' : 'inherit';
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', out, out] });
  const group = child.pid;
  let output = '';
  let timedOut = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
  }
  if (group !== undefined) groups.add(group);
  const timer = setTimeout(() => {
    timedOut = true;
    if (group !== undefined) process.kill(-group, 'SIGKILL');
  }, timeoutMs);
  try {
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return { code, output, seconds: (performance.now() - startMs) / 1000, timedOut };
  } finally {
    clearTimeout(timer);
    if (group !== undefined) groups.delete(group);
  }
}
