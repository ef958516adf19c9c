/**
 * Output as binary messages of a WebSocket: 1 byte 1 for stdout, 2 for stderr; 1 byte length of the stream's name; that name in
 * ASCII; then the output's bytes.
 */
import type { ExecOutput } from './exec.ts';

type Name = ExecOutput['stream'];
export type ExecMessage = { readonly stream: string; readonly name: Name; readonly data: Uint8Array };

const NUMBERS: Readonly<Record<Name, number>> = { stdout: 1, stderr: 2 };
const HEAD_BYTES = 2;

/** More is sent as several messages. */
const MAX_DATA_BYTES = 128 * 1024;

/** Makes the messages of one output. All lie in the same memory: each must be taken before the next one is asked for. */
export function execMessages(stream: string, name: Name): (data: Uint8Array) => Generator<Uint8Array, void, undefined> {
  const text = new TextEncoder().encode(stream);
  const begin = HEAD_BYTES + text.length;
  let memory: Uint8Array | undefined;
  return function* (data) {
    // new memory for each message makes the garbage collector half of the work
    if (memory === undefined) {
      memory = new Uint8Array(begin + MAX_DATA_BYTES);
      memory.set([NUMBERS[name], text.length, ...text]);
    }
    for (let at = 0; at < data.length; at += MAX_DATA_BYTES) {
      const part = data.subarray(at, at + MAX_DATA_BYTES);
      memory.set(part, begin);
      yield memory.subarray(0, begin + part.length);
    }
  };
}

/** Undefined for what is no such message. The data is a part of it, not a copy. */
export function readExecMessage(message: Uint8Array): ExecMessage | undefined {
  const [number, length = 0] = message;
  const name = number === NUMBERS.stdout ? 'stdout' : number === NUMBERS.stderr ? 'stderr' : undefined;
  const end = HEAD_BYTES + length;
  if (name === undefined || length === 0 || message.length < end) return undefined;
  const stream = String.fromCharCode(...message.subarray(HEAD_BYTES, end));
  return { stream, name, data: message.subarray(end) };
}
