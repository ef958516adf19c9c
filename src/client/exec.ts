/** A program in an app with live streams, over one connection. Imports nothing of Node. */
import type { MethodInput } from '../domain/api.ts';
import { EXEC_OUTPUT, type ExecOutput, type ExecResult, type ExecSignal } from '../domain/exec.ts';
import type { Link } from './link.ts';
import { timeoutOf } from './protocol.ts';

export type ExecParams = Omit<MethodInput<'exec'>, 'stream'>;

export type ExecOptions = {
  /** Called in order, as output comes. */
  readonly onOutput: (stream: 'stdout' | 'stderr', data: Uint8Array) => void;
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
    onOutput(name, bytesOf(data));
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

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

function textOf(data: Uint8Array): string {
  let binary = '';
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary);
}
