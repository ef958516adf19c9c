/** A program in an app with live streams, over one connection. Imports nothing of Node. */
import type { MethodInput } from '../domain/api.ts';
import { EXEC_OUTPUT, type ExecResult, type ExecSignal } from '../domain/exec.ts';
import type { ExecMessage } from '../domain/exec-message.ts';
import type { Link } from './link.ts';
import { timeoutOf } from './protocol.ts';

export type ExecParams = Omit<MethodInput<'exec'>, 'stream' | 'binary'>;

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
  const stopListening = link.listen(`${stream}.${EXEC_OUTPUT}`, (output) => {
    const { name, data } = output as ExecMessage;
    return onOutput(name, data);
  });
  const input = async (what: object): Promise<void> => {
    await link.call('execInput', { stream, ...what }, { timeoutMs: timeoutOf('execInput') });
  };
  return {
    result: link
      .call('exec', { ...params, stream, binary: true }, { timeoutMs: NO_LIMIT_MS })
      .finally(stopListening) as Promise<ExecResult>,
    write: (data) => input({ data: textOf(data) }),
    end: () => input({ end: true }),
    signal: (name) => input({ signal: name }),
  };
}

/** As many characters as an engine takes as arguments of one call. */
const AT_ONCE = 0x2000;

/** Base64 by what every browser has. */
function textOf(data: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < data.length; at += AT_ONCE) {
    binary += String.fromCharCode(...data.subarray(at, at + AT_ONCE));
  }
  return btoa(binary);
}
