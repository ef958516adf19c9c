/** Starts a conmon and reads what it reports: one line of JSON on the sync pipe. Source: conmon src/parent_pipe_fd.c. */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { couldNotRun } from '../process/could-not-run.ts';
import { forkTurn } from '../process/spawn-gate.ts';
import { withExitRoom } from './exit-room.ts';

type Means = {
  readonly env: Readonly<Record<string, string>>;
  /** Puts conmon where it is to stay, before it begins. */
  readonly enter: (pid: number) => void;
  /** Directory on the disk of the exit codes. */
  readonly roomIn: string;
};
type Report = { readonly data: number; readonly message?: string };

const SYNC_FD = 3;
/** conmon waits for a byte there before it forks. */
const START_FD = 4;
const MAX_REPORT_CHARACTERS = 65_536;

function parseReport(line: string): Report {
  try {
    const report: unknown = JSON.parse(line);
    if (typeof report === 'object' && report !== null && 'data' in report && typeof report.data === 'number') {
      const message = 'message' in report && typeof report.message === 'string' ? report.message : undefined;
      return { data: report.data, ...(message !== undefined && { message }) };
    }
  } catch {
    // not JSON: told below, with the line itself
  }
  throw new RuntimeError('START_FAILED', { what: 'conmon reported something unknown', cause: line.slice(0, 200) });
}

/** Settles once, with the first thing that happens: the report, an error, the end of conmon, the time limit, an abort. */
class Outcome {
  readonly pid: Promise<number>;
  readonly #settle: PromiseWithResolvers<number>;
  #words = '';
  #report = '';

  constructor() {
    this.#settle = Promise.withResolvers<number>();
    this.pid = this.#settle.promise;
  }

  fail(code: 'START_FAILED' | 'TIMED_OUT' | 'ABORTED', what: string, cause?: unknown): void {
    this.#settle.reject(new RuntimeError(code, { what, cause }));
  }

  give(error: RuntimeError): void {
    this.#settle.reject(error);
  }

  /** What conmon or the runtime says on stderr: the reason when there is no report. */
  onWords(chunk: Buffer): void {
    if (this.#words.length < MAX_REPORT_CHARACTERS) this.#words += chunk.toString('utf8');
  }

  onReport(chunk: Buffer): void {
    this.#report += chunk.toString('utf8');
    const end = this.#report.indexOf('\n');
    if (end < 0 && this.#report.length < MAX_REPORT_CHARACTERS) return;
    try {
      const { data, message } = parseReport(this.#report.slice(0, end < 0 ? undefined : end));
      if (data > 0) this.#settle.resolve(data);
      else this.fail('START_FAILED', 'the container was not created', message ?? this.#lastWord(data));
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  onEnd(): void {
    this.fail('START_FAILED', 'conmon ended without a word', this.#words.trim() || undefined);
  }

  #lastWord(data: number): string {
    return this.#words.trim() || `conmon reported ${data}`;
  }
}

/**
 * The pid of the container's first process. conmon detaches itself (double fork, setsid), so it outlives us.
 * Throws START_FAILED with the runtime's words, TIMED_OUT, ABORTED; the caller then ends what was begun.
 */
export async function spawnMonitor(
  argv: readonly string[],
  means: Means,
  { signal, timeoutMs }: Wait,
): Promise<number> {
  const [command = '', ...args] = argv;
  const outcome = new Outcome();
  const onAbort = (): void => {
    outcome.fail('ABORTED', 'the start was stopped', signal.reason);
  };
  await forkTurn();
  if (signal.aborted) throw new RuntimeError('ABORTED', { what: 'the start was stopped', cause: signal.reason });
  const child = withExitRoom(means.roomIn, (room) =>
    spawn(command, args, {
      env: { ...means.env, _OCI_SYNCPIPE: String(SYNC_FD), _OCI_STARTPIPE: String(START_FD) },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', ...room],
      detached: true,
    }).on('error', (error) => {
      outcome.give(couldNotRun(command, error));
    }),
  );
  // without a process there are no pipes (no descriptor was left, for instance): the error says it
  if (child.pid === undefined) return outcome.pid;
  const [, , words, sync, start] = child.stdio as unknown as readonly [null, null, Readable, Readable, Writable];
  // it has ended before it read, which its report says
  start.on('error', () => undefined);
  means.enter(child.pid);
  start.end('\n');
  const timer = setTimeout(() => {
    outcome.fail('TIMED_OUT', `the container was not created within ${timeoutMs} ms`);
  }, timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  // their end is heard in `close`
  for (const pipe of [words, sync]) pipe.on('error', () => undefined);
  words.on('data', (chunk: Buffer) => {
    outcome.onWords(chunk);
  });
  sync.on('data', (chunk: Buffer) => {
    outcome.onReport(chunk);
  });
  sync.on('close', () => {
    outcome.onEnd();
  });
  try {
    return await outcome.pid;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    sync.destroy();
    words.destroy();
  }
}
