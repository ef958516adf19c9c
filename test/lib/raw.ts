/** Raw bytes to a server, as clients send them that are not made with our libraries. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';

export type RawPeer = Disposable & {
  readonly socket: Socket;
  /** All bytes so far. */
  readonly received: () => Buffer;
  /** Waits until the bytes hold this text. */
  readonly until: (text: string) => Promise<string>;
};

const LIMIT_MS = 10_000;

export async function rawPeer(to: NetConnectOpts): Promise<RawPeer> {
  const socket = connect(to);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const received = () => Buffer.concat(chunks);
  return {
    socket,
    received,
    until: async (text) => {
      const signal = AbortSignal.timeout(LIMIT_MS);
      while (!received().includes(text)) await once(socket, 'data', { signal });
      return received().toString();
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** A text frame without mask, as Thunder's C++ client sends it. */
export function unmaskedFrame(text: string): Buffer {
  const body = Buffer.from(text);
  if (body.length < 126) return Buffer.concat([Buffer.from([0x81, body.length]), body]);
  const head = Buffer.from([0x81, 126, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** Handshake of the C++ client (facts/thunder.md §1.2). */
export const CPP_UPGRADE = (path = '/jsonrpc/'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: UPGRADE',
    'Upgrade: WEBSOCKET',
    'Origin: 0.0.0.0',
    'Sec-WebSocket-Protocol: JSON',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
