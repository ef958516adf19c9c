/**
 * `runc exec` under a conmon of its own: it reaps the program and tells its exit code, and the program has our pipes themselves
 * (log driver `passthrough`), so nothing stands between that could fill up or end first.
 * Source: conmon(8) --exec, --exec-process-spec; src/parent_pipe_fd.c: with --api-version 1 the pid and later the exit code, each
 * as {"data": N} on the sync pipe.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Exec } from '../../ports/execs.ts';
import type { Processes } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { couldNotRun } from '../process/could-not-run.ts';
import { forkTurn } from '../process/spawn-gate.ts';

type Options = {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  /** Puts conmon where it is to live. */
  readonly enter: (pid: number) => void;
};

export type ExecStart = {
  readonly id: ContainerId;
  readonly bundle: string;
  readonly runtime: { readonly binary: string; readonly stateRoot: string };
  /** Whole names of the files with the program's OCI process and, later, its pid. */
  readonly specFile: string;
  readonly pidFile: string;
};

export type StartExec = (start: ExecStart, wait: Wait) => Promise<Exec>;

const SYNC_FD = 3;
const MAX_WORDS = 4096;
/** A grandchild may hold a pipe open for ever: this long after the end, and after the last that came, nobody waits any longer. */
const LAST_WORDS_MS = 200;
/** After less than this a program that writes much has a moment to write more: a message costs more than its bytes. */
const SMALL_BYTES = 32 * 1024;
const GATHER_MS = 1;
/** For what was being started when it was given up. */
const LAST_WAIT_MS = 2000;

export function conmonExec(processes: Processes, { binary, env, enter }: Options): StartExec {
  return async (start, { signal, timeoutMs }) => {
    await forkTurn();
    if (signal.aborted) throw notInTime('ABORTED', signal.reason);
    const child = spawn(binary, argumentsFor(start), {
      env: { ...env, _OCI_SYNCPIPE: String(SYNC_FD) },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      // in a session of its own: it is the one to reap the program, whatever becomes of us
      detached: true,
    });
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    child.on('error', (cause) => {
      reject(couldNotRun(binary, cause));
    });
    if (child.pid === undefined) return failed;
    enter(child.pid);
    const [stdin, stdout, stderr, sync] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
    const pipes = [stdin, stdout, stderr, sync];
    // nobody reads there any more: the program's own business
    for (const pipe of pipes) pipe.on('error', () => undefined);
    // Node reads away what nobody reads yet when the child ends
    for (const unread of [stdout, stderr]) unread.on('readable', () => undefined);
    const reports = readReports(sync);
    const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const pid = await Promise.race([reports.pid, failed, aborted(late, signal)]);
      const process = pid === undefined ? undefined : (processes.identify(pid) ?? { pid, startTime: 'ended' });
      if (process === undefined) throw await notStarted(start.id, stderr);
      return {
        process,
        stdin: { write: (data) => write(stdin, data), end: () => void stdin.end() },
        stdout: chunksOf(stdout, reports.code),
        stderr: chunksOf(stderr, reports.code),
        ended: reports.code,
        standstill: () => processes.standstill(process),
        giveUp: () => {
          child.kill('SIGKILL');
          for (const pipe of pipes) pipe.destroy();
        },
        signal: (name) => void processes.signalGroup(process, name),
      };
    } catch (error) {
      // it may be coming up in this moment: conmon says so before it is ended, and its runtime with it (PR_SET_PDEATHSIG)
      const pid = await Promise.race([reports.pid, within(LAST_WAIT_MS)]);
      const process = pid === undefined ? undefined : processes.identify(pid);
      if (process !== undefined) processes.signalGroup(process, 'SIGKILL');
      child.kill('SIGKILL');
      for (const pipe of pipes) pipe.destroy();
      throw error;
    }
  };
}

const argumentsFor = ({ id, bundle, runtime, specFile, pidFile }: ExecStart): readonly string[] => [
  ...['--api-version', '1', '--cid', id, '--cuuid', id, '--name', id],
  // it stays our child: Node closes the input of a child that has gone, and a conmon that detaches itself goes at once
  ...['--sync', '--runtime', runtime.binary, '--bundle', bundle, '--exec', '--exec-process-spec', specFile],
  ...['--container-pidfile', pidFile, '--conmon-pidfile', `${pidFile}.conmon`],
  ...['--log-path', 'passthrough', '--log-level', 'error'],
  ...['--runtime-arg', '--root', '--runtime-arg', runtime.stateRoot],
];

type Reports = { readonly pid: Promise<number | undefined>; readonly code: Promise<number | null> };

/** Two lines, or the end of the pipe in their place. */
function readReports(sync: Readable): Reports {
  const pid = Promise.withResolvers<number | undefined>();
  const code = Promise.withResolvers<number | null>();
  let text = '';
  sync.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const [first, second] = [...text.matchAll(/\{"data": ?(-?\d+)[^\n]*\}\n/g)].map(([, value]) => Number(value));
    if (first !== undefined) pid.resolve(first > 0 ? first : undefined);
    if (second !== undefined) code.resolve(second >= 0 ? second : null);
  });
  sync.on('close', () => {
    pid.resolve(undefined);
    code.resolve(null);
  });
  return { pid: pid.promise, code: code.promise };
}

/** Rejects when the time is over. */
async function aborted(late: AbortSignal, asked: AbortSignal): Promise<never> {
  if (!late.aborted) await once(late, 'abort');
  throw notInTime(asked.aborted ? 'ABORTED' : 'TIMED_OUT', asked.reason);
}

const notInTime = (code: 'ABORTED' | 'TIMED_OUT', cause: unknown): RuntimeError =>
  new RuntimeError(code, {
    what: 'the program was not started in time',
    next: 'an app can hold up a program that comes in: SIGSTOP, ptrace, no process or memory left to it; see its limits, or end it',
    cause,
  });

const within = (ms: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());

async function notStarted(id: ContainerId, stderr: Readable): Promise<RuntimeError> {
  let words = '';
  for await (const chunk of stderr as AsyncIterable<Buffer>) if (words.length < MAX_WORDS) words += chunk.toString();
  // the runtime's own form: time="…" level=error msg="exec failed: …: exec: \"x\": stat x: no such file or directory"
  const reason = /msg="((?:[^"\\]|\\.)*)"/.exec(words)?.[1]?.replaceAll('\\"', '"') ?? words.trim();
  const isMissing = /no such file or directory|not found|permission denied|not a directory/i.test(reason);
  return new RuntimeError(isMissing ? 'COMMAND_NOT_FOUND' : 'TOOL_FAILED', {
    what: `the program was not started in ${id}`,
    next: isMissing ? "name a program of the app's own root file system that its user may execute" : undefined,
    cause: reason === '' ? 'conmon ended without a word' : reason,
  });
}

function write(stdin: Writable, data: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (stdin.destroyed || stdin.writableEnded) resolve();
    else stdin.write(data, () => resolve());
  });
}

async function* chunksOf(stream: Readable, ended: Promise<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  let isWaiting = false;
  let taken = 0;
  const endLate = (): void => {
    let before = -1;
    const timer = setInterval(() => {
      if (isWaiting && taken === before) stream.destroy();
      before = taken;
    }, LAST_WORDS_MS);
    stream.once('close', () => clearInterval(timer));
    if (stream.destroyed) clearInterval(timer);
  };
  ended.then(endLate, endLate);
  try {
    isWaiting = true;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      isWaiting = false;
      taken++;
      yield chunk;
      if (chunk.length < SMALL_BYTES) await sleep(GATHER_MS);
      isWaiting = true;
    }
  } catch {
    // given up, or broken: what came has been told
  }
}
