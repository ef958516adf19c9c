import type { RunningExec } from '../../client/exec.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { ExecResult, ExecSignal } from '../../domain/exec.ts';
import type { Command, Invocation } from '../command.ts';
import { isSet, textOf, textsOf } from '../options.ts';
import { drained } from '../output.ts';
import { terminalStream } from '../terminal-stream.ts';
import { durationOf, envOf } from '../values.ts';

/** The exit status is the program's own, or that of the error that kept it from running. */
export const exec: Command = async ({ operands: [appInstanceId = '', ...args], options, daemon, output }) => {
  if (isSet(options, 'tty')) throw noTerminal();
  const { connectPlain } = await import('../../client/connect-plain.ts');
  using client = await connectPlain(daemon);
  const sink = output.json ? keepOutput() : passOutput();
  const running = await client.openExec({ appInstanceId, args, ...paramsOf(options) }, { onOutput: sink.take });
  passSignals(running);
  if (isSet(options, 'interactive')) void passInput(running);
  try {
    const result = await running.result;
    const kept = sink.end();
    if (output.json) output.data({ ...result, ...kept });
    return result.exitCode ?? 1;
  } finally {
    // who types is not waited for
    process.stdin.destroy();
  }
};

type Stream = 'stdout' | 'stderr';
type Sink = {
  readonly take: (stream: Stream, data: Uint8Array) => Promise<void> | undefined;
  readonly end: () => Partial<ExecResult>;
};

/** As it comes; the program waits for who reads it. */
function passOutput(): Sink {
  const filters = {
    stdout: process.stdout.isTTY ? terminalStream() : undefined,
    stderr: process.stderr.isTTY ? terminalStream() : undefined,
  };
  return {
    take: (stream, data) => {
      process[stream].write(filters[stream]?.take(data) ?? data);
      // what a pipe has taken at once needs no drain, however much it was
      return process[stream].writableLength === 0 ? undefined : drained(process[stream]);
    },
    end: () => {
      for (const stream of ['stdout', 'stderr'] as const) process[stream].write(filters[stream]?.end() ?? '');
      return {};
    },
  };
}

/** As much of each as an answer of the daemon holds; the rest is read away. */
const MAX_KEPT_BYTES = 512 * 1024;

function keepOutput(): Sink {
  const kept: Record<Stream, Uint8Array[]> = { stdout: [], stderr: [] };
  const bytes: Record<Stream, number> = { stdout: 0, stderr: 0 };
  return {
    take: (stream, data) => {
      // a copy: its memory is read into again
      const more = Buffer.from(data.subarray(0, Math.max(0, MAX_KEPT_BYTES - bytes[stream])));
      if (more.length > 0) kept[stream].push(more);
      bytes[stream] += data.length;
      return undefined;
    },
    end: () => ({
      stdout: Buffer.concat(kept.stdout).toString(),
      stderr: Buffer.concat(kept.stderr).toString(),
      truncated: Math.max(bytes.stdout, bytes.stderr) > MAX_KEPT_BYTES,
    }),
  };
}

const noTerminal = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'exec gives no terminal: the program has pipes',
    next: 'leave -t out; a shell is interactive with -i and an option of its own (exec -i ID -- sh -i)',
  });

function paramsOf(options: Invocation['options']) {
  const timeout = textOf(options, 'timeout');
  const cwd = textOf(options, 'cwd');
  return {
    env: envOf(textsOf(options, 'env')),
    ...(cwd !== undefined && { cwd }),
    ...(timeout !== undefined && { timeoutMs: durationOf('--timeout', timeout) }),
    ...(!isSet(options, 'interactive') && { stdin: '' }),
  };
}

/** The first Ctrl-C is the program's; with the second one we leave, and then the daemon ends the program. */
function passSignals(running: RunningExec): void {
  const pass = (name: ExecSignal, status: number): void => {
    process.removeAllListeners(name);
    process.once(name, () => {
      void running.signal(name).catch(() => undefined);
      process.once(name, () => process.exit(status));
    });
  };
  pass('SIGINT', 130);
  pass('SIGTERM', 143);
}

async function passInput(running: RunningExec): Promise<void> {
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) await running.write(chunk);
    await running.end();
  } catch {
    // it has ended, and its result says how
  }
}
