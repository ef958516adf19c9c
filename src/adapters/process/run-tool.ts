/** Runs a host tool: argv as an array, a time limit, bounded output, and an error that tells the tool's own reason. */
import { spawn, type ChildProcessByStdio, type SpawnOptions } from 'node:child_process';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { couldNotRun } from './could-not-run.ts';
import { withDescriptors } from './descriptors.ts';
import { becomeOrdinary, isHeld } from './ordinary.ts';
import { forkTurn } from './spawn-gate.ts';

export type ToolResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type RunTool = (argv: readonly string[], options: ToolOptions) => Promise<ToolResult>;

export type ToolOptions = Wait & {
  /** Exit codes that are answers, not failures; 0 when absent. */
  readonly accept?: readonly number[];
  readonly cwd?: string;
  /** Directories that it gets as descriptors from 3 on: it may use them where it could not reach them by path. */
  readonly directories?: readonly string[];
  /** `latin1` keeps bytes that are no text: one a character. */
  readonly encoding?: 'utf8' | 'latin1';
  /** What is more is dropped; 1 MiB when absent. */
  readonly maxOutputBytes?: number;
};

const MAX_OUTPUT_BYTES = 1 << 20;
/** From SIGKILL until the tool must be gone. */
const LAST_WAIT_MS = 1000;
const TAIL_CHARACTERS = 600;

type Collected = { readonly text: () => string };

/** Keeps the head of a stream and reads the rest away, so that the tool never blocks on a full pipe. */
function collect(
  stream: NodeJS.ReadableStream,
  { encoding = 'utf8', maxOutputBytes = MAX_OUTPUT_BYTES }: Pick<ToolOptions, 'encoding' | 'maxOutputBytes'> = {},
): Collected {
  const chunks: Buffer[] = [];
  let kept = 0;
  // what came has been kept; the end of the tool says the rest
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (kept < maxOutputBytes) chunks.push(chunk);
    kept += chunk.length;
  });
  return { text: () => Buffer.concat(chunks).toString(encoding) };
}

/** The last words of a tool, on one line. */
export function lastWords(stderr: string): string {
  const line = stderr.trim().split('\n').slice(-3).join(' | ');
  return line.length > TAIL_CHARACTERS ? `…${line.slice(-TAIL_CHARACTERS)}` : line;
}

type Spawning = SpawnOptions & { readonly onError: (error: Error) => void };

/** With more than three descriptors Node's types forget that two of them are pipes. */
function spawnReading(command: string, args: readonly string[], options: Spawning) {
  const child = spawn(command, args, options);
  child.on('error', options.onError);
  return child as ChildProcessByStdio<null, Readable, Readable>;
}

/** What a held helper becomes, without what holds it. */
const helperIn = (argv: readonly string[]): readonly string[] =>
  isHeld(argv) ? argv.slice(argv.indexOf('--') + 1) : argv;

const toolName = (argv: readonly string[]): string => helperIn(argv)[0]?.split('/').at(-1) ?? 'tool';

type Failure = { readonly cause?: unknown; readonly exitCode?: number };

/**
 * The exit code of a tool that ran to its end and did not do what it was asked for; undefined for any other error. A tool that was
 * killed, or could not be run, says nothing about what it was given.
 */
export function verdictOf(error: unknown): number | undefined {
  if (!(error instanceof RuntimeError) || error.code !== 'TOOL_FAILED') return undefined;
  const exitCode = error.details?.['exitCode'];
  return typeof exitCode === 'number' ? exitCode : undefined;
}

/**
 * A function that runs tools with this environment and nothing else.
 * Throws TOOL_FAILED (cannot be run, or ended otherwise than accepted), TIMED_OUT, ABORTED; the tool is dead then.
 */
export function toolRunner(env: Readonly<Record<string, string>>): RunTool {
  return async (argv, options) => {
    const { signal, timeoutMs, accept = [0], cwd, directories = [] } = options;
    await forkTurn();
    return new Promise((resolve, reject) => {
      const [command = '', ...args] = argv;
      const fail = (code: 'TOOL_FAILED' | 'TIMED_OUT' | 'ABORTED', what: string, more: Failure = {}): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        const { cause, exitCode } = more;
        const details = { argv: helperIn(argv), ...(exitCode !== undefined && { exitCode }) };
        reject(new RuntimeError(code, { what, cause, details }));
      };
      if (signal.aborted) {
        reject(abortError(argv, signal));
        return;
      }
      const onError = (cause: Error): void => {
        reject(couldNotRun(command, cause, { argv }));
      };
      const child = withDescriptors(directories, undefined, (descriptors) =>
        spawnReading(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe', ...descriptors], onError }),
      );
      // no process, no pipes (no descriptor was left, for instance): the error says it
      if (child.pid === undefined) return;
      if (!isHeld(argv)) becomeOrdinary(child.pid);
      const stdout = collect(child.stdout, options);
      const stderr = collect(child.stderr);
      const end = (code: 'TIMED_OUT' | 'ABORTED', what: string): void => {
        const gone = (): void => {
          // a grandchild may hold the pipes open: what we wait for is the tool
          child.stdout.destroy();
          child.stderr.destroy();
          fail(code, what, { cause: signal.aborted ? signal.reason : undefined });
        };
        child.once('exit', gone);
        // one that waits in the kernel does not even hear SIGKILL
        setTimeout(gone, LAST_WAIT_MS).unref();
        child.kill('SIGKILL');
      };
      const onAbort = (): void => {
        end('ABORTED', `${toolName(argv)} was stopped`);
      };
      const timer = setTimeout(() => {
        end('TIMED_OUT', `${toolName(argv)} ${args.at(-2) ?? ''} did not end within ${timeoutMs} ms`);
      }, timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      child.on('close', (code, killedBy) => {
        const exitCode = code ?? -1;
        if (!accept.includes(exitCode)) {
          const how = killedBy === null ? `exit code ${exitCode}` : `signal ${killedBy}`;
          const cause = lastWords(stderr.text()) || undefined;
          const own = killedBy === null ? { exitCode } : {};
          fail('TOOL_FAILED', `${toolName(argv)} failed with ${how}`, { cause, ...own });
          return;
        }
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve({ exitCode, stdout: stdout.text(), stderr: stderr.text() });
      });
    });
  };
}

const abortError = (argv: readonly string[], signal: AbortSignal): RuntimeError =>
  new RuntimeError('ABORTED', { what: `${toolName(argv)} was not run`, cause: signal.reason });
