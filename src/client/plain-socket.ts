/**
 * A WebSocket over a unix socket, for a command that ends soon and moves much: in half of the time that ws and node:http take to be
 * loaded, and what comes is read into one piece of memory (decision 0180). RFC 6455 §4.1, §5.3: the handshake is checked, frames are masked.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { JSON_RPC_PATH } from '../domain/wire.ts';
import { FrameReader } from './frame-reader.ts';
import type { OpenSocket, SocketListener } from './socket.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const END = '\r\n\r\n';
const MAX_HEAD_BYTES = 16 * 1024;
const [TEXT, CLOSE, PONG] = [1, 8, 10];
const NORMAL_END = Buffer.from([0x03, 0xe8]);

/** `onBytes` gets memory that is used again as soon as more is read, so after a `pause` not before `resume`. */
export function overUnixSocket(path: string): OpenSocket {
  return (listener) => {
    const key = randomBytes(16).toString('base64');
    let cause: unknown;
    const reader = new FrameReader({
      ...{ onText: listener.onText, onBytes: listener.onBytes },
      onPing: (payload) => void socket.write(masked(PONG, payload)),
      onClose: (code, reason) => {
        cause ??= `the connection was closed with code ${code}${reason === '' ? '' : ` (${reason})`}`;
        socket.end(masked(CLOSE, NORMAL_END));
      },
    });
    const take = takerOf(reader, key, listener);
    const socket = connect({
      path,
      onread: {
        buffer: () => reader.space(),
        callback: (bytes, memory) => {
          try {
            take(Buffer.from(memory.buffer, memory.byteOffset, bytes));
          } catch (error) {
            cause ??= error;
            socket.destroy();
          }
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(request(key)));
    socket.on('error', (error) => (cause ??= error));
    socket.on('close', () => listener.onClosed(cause ?? 'the connection was closed with code 1006'));
    return {
      send: (text) => void socket.write(masked(TEXT, Buffer.from(text))),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      // a daemon that stands still is not waited for
      close: () => void socket.end(masked(CLOSE, NORMAL_END), () => socket.destroy()),
    };
  };
}

const request = (key: string): string =>
  `GET ${JSON_RPC_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}${END}`;

/** The head of the answer, then frames. */
function takerOf(reader: FrameReader, key: string, { onOpen }: SocketListener): (bytes: Buffer) => void {
  let head: string | undefined = '';
  return (bytes) => {
    if (head === undefined) {
      reader.took(bytes.length);
      return;
    }
    const before = head.length;
    head += bytes.toString('latin1');
    const end = head.indexOf(END);
    if (end === -1 && head.length < MAX_HEAD_BYTES) {
      reader.took(bytes.length, bytes.length);
      return;
    }
    checkHead(head.slice(0, end), key);
    head = undefined;
    onOpen();
    reader.took(bytes.length, end + END.length - before);
  };
}

function checkHead(head: string, key: string): void {
  const [, status = ''] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? [];
  if (status !== '101') throw new Error(`Unexpected server response: ${status}`);
  const [, accept] = /^sec-websocket-accept: *(\S+) *$/im.exec(head) ?? [];
  const expected = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  if (accept !== expected) throw new Error('what answers there is no WebSocket');
}

/** A whole message or control frame, with the mask that RFC 6455 §5.3 wants of clients. */
function masked(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const begin = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(begin + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (begin === 6 ? length : begin === 8 ? 126 : 127);
  if (begin === 8) frame.writeUInt16BE(length, 2);
  else if (begin === 14) frame.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  frame.set(mask, begin - 4);
  for (let at = 0; at < length; at++) frame[begin + at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return frame;
}
