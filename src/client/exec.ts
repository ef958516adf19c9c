/** A program in an app with live streams, over one connection. Imports nothing of Node. */
import type { MethodInput } from '../domain/api.ts';
import { EXEC_OUTPUT, type ExecOutput, type ExecResult, type ExecSignal } from '../domain/exec.ts';
import type { Link } from './link.ts';
import { timeoutOf } from './protocol.ts';

export type ExecParams = Omit<MethodInput<'exec'>, 'stream'>;

export type ExecOptions = {
  /** Called in order, as output comes. Until a promise of it is settled nothing more is read, and the program waits (not in a browser). */
  readonly onOutput: (stream: 'stdout' | 'stderr', data: Uint8Array) => unknown;
};

export type RunningExec = {
  /** Comes when the program has ended. Throws what `exec` throws, and UNREACHABLE; then the program is killed. */
  readonly result: Promise<ExecResult>;
  /** Comes when the program has taken it. */
  readonly write: (data: Uint8Array) => Promise<void>;
  /** No more input comes. */
  readonly end: () => Promise<void>;
  readonly signal: (name: ExecSignal) => Promise<void>;
};

/** For a program that may run as long as the connection is there. */
const NO_LIMIT_MS = 2 ** 31 - 1;

let streams = 0;

/** Without `stdin` in the parameters the program's input stays open until `end`. */
export function openExec(link: Link, params: ExecParams, { onOutput }: ExecOptions): RunningExec {
  streams += 1;
  const stream = `client.exec.${streams}`;
  const stopListening = link.listen(`${stream}.${EXEC_OUTPUT}`, (wire) => {
    const { stream: name, data } = wire as ExecOutput;
    return onOutput(name, bytesOf(data));
  });
  const input = async (what: object): Promise<void> => {
    await link.call('execInput', { stream, ...what }, { timeoutMs: timeoutOf('execInput') });
  };
  return {
    result: link
      .call('exec', { ...params, stream }, { timeoutMs: NO_LIMIT_MS })
      .finally(stopListening) as Promise<ExecResult>,
    write: (data) => input({ data: textOf(data) }),
    end: () => input({ end: true }),
    signal: (name) => input({ signal: name }),
  };
}

/** Node's, where there is one: a hundred times as fast as what every browser has. */
const { Buffer: fast } = globalThis as {
  readonly Buffer?: {
    from(base64: string, encoding: 'base64'): Uint8Array;
    from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64'): string };
  };
};

function bytesOf(base64: string): Uint8Array {
  if (fast !== undefined) return fast.from(base64, 'base64');
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function textOf(data: Uint8Array): string {
  if (fast !== undefined) return fast.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  let binary = '';
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary);
}
