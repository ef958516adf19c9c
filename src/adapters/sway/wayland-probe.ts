/** Whether a Wayland compositor answers. Source: the wire format of wayland.freedesktop.org/docs, protocol wayland.xml. */
import type { Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';

/** A message: object, size in bytes << 16 | number of the request, arguments; words in the machine's order (little-endian here). */
function message(object: number, opcode: number, argument: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(object, 0);
  bytes.writeUInt32LE((12 << 16) | opcode, 4);
  bytes.writeUInt32LE(argument, 8);
  return bytes;
}

const DISPLAY = 1;
const REGISTRY = 2;
const CALLBACK = 3;
/** wl_display.get_registry, then wl_display.sync: its callback comes when everything before it was answered. */
const QUESTION = Buffer.concat([message(DISPLAY, 1, REGISTRY), message(DISPLAY, 0, CALLBACK)]);
const HEADER_BYTES = 8;
/** Fifty globals are 2 KB. */
const MAX_ANSWER_BYTES = 16_384;

/** Returns after one round trip, and closes the connection. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
export async function probe(socket: Socket, { signal, timeoutMs }: Wait): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const fail = (code: 'TOOL_FAILED' | 'TIMED_OUT' | 'ABORTED', what: string): void => {
    reject(new RuntimeError(code, { what }));
  };
  const timer = setTimeout(() => {
    fail('TIMED_OUT', `the display did not answer within ${timeoutMs} ms`);
  }, timeoutMs);
  const onAbort = (): void => {
    fail('ABORTED', 'the display was not waited for');
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let answer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk]);
    if (isComplete(answer)) resolve(undefined);
    else if (answer.length > MAX_ANSWER_BYTES) fail('TOOL_FAILED', 'the display answered nonsense');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    fail('TOOL_FAILED', 'the display closed the connection');
  });
  socket.write(QUESTION);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** Whether the callback's event is among the whole messages. */
function isComplete(bytes: Buffer): boolean {
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    if (bytes.readUInt32LE(at) === CALLBACK) return true;
    const size = bytes.readUInt32LE(at + 4) >>> 16;
    // no message is shorter than its header: whoever says so would keep us here for ever
    at += Math.max(size, HEADER_BYTES);
  }
  return false;
}
