import { performance } from 'node:perf_hooks';

const write = (/** @type {string} */ text) => void process.stderr.write(text);

/** @param {number} sinceMs */
const seconds = (sinceMs) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/**
 * One line a step: what is done now, and how long it took. The line begins before the work does, so that a person
 * sees what is being waited for.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @param {(result: T) => string} [verdict]
 */
export async function step(what, work, verdict = () => 'done in') {
  const startMs = performance.now();
  write(`setup: ${what} … `);
  try {
    const result = await work();
    write(`${verdict(result)} ${seconds(startMs)}\n`);
    return result;
  } catch (error) {
    write(`not done after ${seconds(startMs)}\n`);
    throw error;
  }
}

/** @param {string} text */
export const say = (text) => write(`setup: ${text}\n`);
