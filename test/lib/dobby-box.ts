/**
 * What stands in for a container of the Dobby for tests: a real process 1 with the app's command in a pid and a mount namespace of
 * its own, on the machine's own files, so that pids, signals, ends and mounts are real.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { TOOLS } from './daemon.ts';

export type BoxOrder = {
  readonly command: readonly string[];
  readonly env: readonly string[];
  /** Where its words go. */
  readonly logFile: string;
};

const CORE = 0x80;
const DUMPING: ReadonlySet<number> = new Set([constants.signals.SIGSEGV, constants.signals.SIGABRT]);

export class DobbyBox {
  readonly #child: ChildProcess;
  #wasKilled = false;
  /** Raw status of wait(2), as Dobby makes it of what its process 1 says. */
  readonly ended: Promise<number>;

  constructor({ command, env, logFile }: BoxOrder) {
    const log = openSync(logFile, 'w', 0o644);
    const variables = Object.fromEntries(
      env.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    const init = [join(TOOLS, 'tini-static'), '-g', '--', ...command];
    this.#child = spawn('unshare', ['--pid', '--mount', '--fork', '--kill-child=SIGKILL', ...init], {
      env: { PATH: '/usr/bin:/bin', ...variables },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(rawStatus(code, this.#wasKilled ? 'SIGKILL' : signal)));
      this.#child.once('error', () => resolve(127 << 8));
    });
  }

  /** Pid of process 1, once there is one. */
  get init(): number | undefined {
    return childrenOf(this.#child.pid ?? 0)[0];
  }

  get isOver(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  pids(): readonly number[] {
    const { init } = this;
    return init === undefined ? [] : [init, ...descendantsOf(init)];
  }

  signalAll(signal: NodeJS.Signals): void {
    for (const pid of this.pids()) send(pid, signal);
  }

  /** Its end takes all others with it. */
  kill(): void {
    // unshare(1) cannot end by the signal as its child did: it says 1
    this.#wasKilled = true;
    send(this.init ?? this.#child.pid ?? 0, 'SIGKILL');
    this.signalAll('SIGCONT');
  }

  terminate(): void {
    send(this.init ?? 0, 'SIGTERM');
  }

  exec(command: readonly string[]): void {
    const child = spawn('nsenter', ['-t', String(this.init), '-p', '-m', '--', ...command], {
      stdio: 'ignore',
      detached: true,
    });
    child.on('error', () => undefined);
  }

  /** As Dobby does it: the place is made, and stays when the rest fails. */
  async mount(source: string, destination: string, isReadOnly: boolean): Promise<boolean> {
    try {
      mkdirSync(destination);
    } catch {
      return false;
    }
    const options = isReadOnly ? ['-o', 'bind,ro'] : ['-o', 'bind'];
    return this.#inside(['mount', ...options, source, destination]);
  }

  async unmount(destination: string): Promise<boolean> {
    if (!(await this.#inside(['umount', '-l', destination]))) return false;
    rmdirSync(destination);
    return true;
  }

  #inside(command: readonly string[]): Promise<boolean> {
    const child = spawn('nsenter', ['-t', String(this.init), '-m', '--', ...command], { stdio: 'ignore' });
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code === 0));
      child.once('error', () => resolve(false));
    });
  }

  residentBytes(): number {
    return this.pids().reduce((sum, pid) => sum + 4096 * Number(readOr(`/proc/${pid}/statm`).split(' ')[1] ?? 0), 0);
  }
}

/** Process 1 ends with 128 + signal for its child; Dobby tells that as an end by the signal. */
function rawStatus(code: number | null, signal: NodeJS.Signals | null): number {
  const by = signal !== null ? constants.signals[signal] : (code ?? 0) > 128 ? (code ?? 0) - 128 : 0;
  if (by === 0) return (code ?? 0) << 8;
  return DUMPING.has(by) ? by | CORE : by;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // it is gone
  }
}

const readOr = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const childrenOf = (pid: number): readonly number[] =>
  namesIn(`/proc/${pid}/task`).flatMap((thread) =>
    readOr(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const descendantsOf = (pid: number): readonly number[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
