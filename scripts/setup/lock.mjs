import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { say } from './progress.mjs';
import { shareLock, tryRun } from './run.mjs';

/**
 * flock(1) locks the open file that it inherits as descriptor 3. The lock belongs to that open file, which is ours too,
 * so it stays when flock ends and goes when we end, however we end: there is no stale lock to detect.
 * @param {number} fd @param {string[]} flags
 * @returns {Promise<number | null>}
 */
function flock(fd, flags) {
  const child = spawn('flock', [...flags, '--exclusive', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/**
 * Waits until no other set-up works in this clone, and keeps others out until this process ends.
 * @param {string} path @param {{ waitSeconds?: number }} [options]
 */
export async function lockClone(path, { waitSeconds = 1200 } = {}) {
  await tryRun(['flock', '--version']).catch(() => {
    throw new Failure({ what: 'there is no flock on this machine', next: 'install the package util-linux' });
  });
  const fd = openSync(path, 'a+', 0o600);
  if ((await flock(fd, ['--nonblock'])) !== 0) {
    say(`another set-up (process ${readFileSync(path, 'utf8').trim()}) is at work in this clone; waiting for its end`);
    if ((await flock(fd, ['--timeout', String(waitSeconds)])) !== 0) {
      closeSync(fd);
      throw new Failure({
        what: `the other set-up was not done after ${String(waitSeconds)} s`,
        next: 'see what it waits for, or end it, and run this again',
      });
    }
  }
  ftruncateSync(fd);
  writeSync(fd, String(process.pid));
  shareLock(fd);
}
