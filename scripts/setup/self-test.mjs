import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Stopped } from './failure.mjs';
import { throwIfStopped, tryRun } from './run.mjs';

const sleeper = fileURLToPath(new URL('sleeper.pl', import.meta.url));
const criuOptions = ['--manage-cgroups=ignore', '--network-lock', 'skip'];
const criuTimeoutMs = 30_000;

/** @param {() => boolean} condition @param {{ what: string, timeoutMs?: number }} options */
async function until(condition, { what, timeoutMs = 10_000 }) {
  const endMs = Date.now() + timeoutMs;
  while (!condition()) {
    throwIfStopped();
    if (Date.now() > endMs) throw new Error(`${what}: not within ${String(timeoutMs / 1000)} s`);
    await pause(20);
  }
}

/** Our process, and no other that got its number since: its command line names this test's directory. @param {number} pid @param {string} mark */
function isAlive(pid, mark) {
  try {
    // Empty for a zombie, which holds nothing but its number.
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(mark);
  } catch {
    return false;
  }
}

/** @param {number} port @returns {Promise<string>} */
function ask(port) {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', timeout: 5000 });
    socket
      .setEncoding('utf8')
      .on('data', (/** @type {string} */ text) => (answer += text))
      .on('end', () => resolve(answer))
      .on('error', reject)
      .on('timeout', () => void socket.destroy(new Error('the restored process does not answer')));
  });
}

/** @param {string} directory @param {string} log */
async function criuErrors(directory, log) {
  const text = await readFile(join(directory, log), 'utf8').catch(() => '');
  const errors = text.split('\n').filter((line) => line.includes('Error') && !line.includes('RLIMIT_NOFILE'));
  return errors.slice(0, 3).join('\n');
}

/**
 * @param {string} criu
 * @param {'dump' | 'restore'} action
 * @param {{ directory: string, args: string[] }} options
 */
async function criuDoes(criu, action, { directory, args }) {
  const log = `${action}.log`;
  const argv = /** @type {const} */ ([criu, action, '-D', directory, '-o', log, ...criuOptions, ...args]);
  const { code, output } = await tryRun([...argv], { cwd: '/', timeoutMs: criuTimeoutMs });
  if (code === 0) return;
  const errors = await criuErrors(directory, log);
  throw new Error(`criu ${action} failed (exit code ${String(code)})\n${errors === '' ? output.trim() : errors}`);
}

/** @param {string} criu @param {string} directory */
async function dumpAndRestore(criu, directory) {
  const report = join(directory, 'report.json');
  const child = spawn('perl', [sleeper, report], { cwd: '/', detached: true, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const pid = child.pid ?? 0;
  try {
    await until(() => existsSync(report), { what: 'a small Perl process to start' });
    const { port, token } = JSON.parse(await readFile(report, 'utf8'));
    await criuDoes(criu, 'dump', { directory, args: ['-t', String(pid)] });
    await ended; // reaped: a zombie would hold the number that the restore needs
    await criuDoes(criu, 'restore', { directory, args: ['-d'] });
    if ((await ask(port)) !== token) throw new Error('the restored process has lost what it had in memory');
  } finally {
    if (pid !== 0 && isAlive(pid, report)) process.kill(-pid, 'SIGKILL');
    await until(() => !isAlive(pid, report), { what: 'the test process to end' });
  }
}

/**
 * Whether these tools work on the running kernel, shown by a real dump and restore: `criu check` of CRIU 4.1.1 says
 * "Looks good" on kernel 6.16 and newer, and then fails on every process that has an internet socket.
 * @param {{ bin: string, scratch: string }} options
 * @returns {Promise<{ ok: true } | { ok: false, why: string }>}
 */
export async function selfTest({ bin, scratch }) {
  await mkdir(scratch, { recursive: true });
  const directory = await mkdtemp(join(scratch, 'self-test-'));
  try {
    for (const tool of ['criu', 'runc', 'crun', 'conmon', 'tini-static', 'nft']) {
      const { code, output } = await tryRun([join(bin, tool), '--version'], { timeoutMs: 10_000 });
      if (code !== 0) return { ok: false, why: `${tool} --version failed\n${output.trim()}` };
    }
    // older ones, as Debian 12's and 13's, cannot leave control groups to their caller: none of our apps could be hibernated
    const { output } = await tryRun([join(bin, 'runc'), 'checkpoint', '--help'], { timeoutMs: 10_000 });
    if (!/manage-cgroups-mode.*ignore/.test(output)) return { ok: false, why: 'runc is older than 1.2' };
    await dumpAndRestore(join(bin, 'criu'), directory);
    return { ok: true };
  } catch (error) {
    if (error instanceof Stopped) throw error;
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
