/** A long message as several frames: old C++ receivers stumble over frames above 65535 bytes (facts/thunder.md §1.2). */
import type { WebSocket } from 'ws';

export const FRAGMENT_BYTES = 60 * 1024;
/** A UTF-16 unit has at most 3 bytes in UTF-8. */
const SURELY_SHORT = FRAGMENT_BYTES / 3;

/** Whole: a client that asks for it reads long frames. Returns when the kernel has it, or the connection is gone. */
export function sendBytes(socket: WebSocket, message: Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.send(message, { binary: true }, () => resolve()));
}

/** `taken` is called when the kernel has it, or the connection is gone. */
export function sendText(socket: WebSocket, text: string, taken?: () => void): void {
  // without a callback ws throws when the socket has closed meanwhile; its end is heard in 'close'
  const ignore = () => undefined;
  const done = taken === undefined ? ignore : () => taken();
  if (text.length <= SURELY_SHORT) {
    socket.send(text, done);
    return;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
    const end = at + FRAGMENT_BYTES;
    const fin = end >= bytes.length;
    socket.send(bytes.subarray(at, end), { binary: false, fin }, fin ? done : ignore);
  }
}
