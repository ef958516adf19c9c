/** Thunder's side of a WebSocket, byte by byte as a real 4.4.7 writes it (facts/thunder.md §1.2): its status line, its headers, frames of 1024 bytes. */
import { createHash } from 'node:crypto';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FRAME_BYTES = 1024;

export type Upgrade = {
  readonly path: string;
  readonly token: string | null;
  readonly key: string;
  readonly protocol: string;
};

/** The request for an upgrade, when it is whole. */
export function readUpgrade(bytes: Buffer): { readonly upgrade: Upgrade; readonly rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...headers] = bytes.subarray(0, end).toString().split('\r\n');
  const header = (name: string): string =>
    headers
      .find((one) => one.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  const url = new URL(line.split(' ')[1] ?? '/', 'ws://thunder');
  const upgrade = {
    path: url.pathname,
    token: url.searchParams.get('token'),
    key: header('sec-websocket-key'),
    protocol: header('sec-websocket-protocol').split(',', 1)[0] ?? '',
  };
  return { upgrade, rest: bytes.subarray(end + 4) };
}

export function upgradeAnswer({ key, protocol }: Upgrade): string {
  const accept = createHash('sha1')
    .update(key + MAGIC)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 SWITCH_PROTOCOL',
    'Connection: UPGRADE',
    'Upgrade: WEBSOCKET',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export const refusalAnswer = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`;

/** Text as one message: frames of at most 1024 bytes, the later ones continue the first. */
export function frames(text: string): Buffer {
  const body = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < body.length; at += FRAME_BYTES) {
    const part = body.subarray(at, at + FRAME_BYTES);
    const isLast = at + FRAME_BYTES >= body.length;
    const head = Buffer.alloc(part.length < 126 ? 2 : 4);
    head[0] = (isLast ? 0x80 : 0) | (at === 0 ? 1 : 0);
    head[1] = part.length < 126 ? part.length : 126;
    if (part.length >= 126) head.writeUInt16BE(part.length, 2);
    parts.push(head, part);
  }
  return Buffer.concat(parts);
}

export type ClientFrame = { readonly opcode: number; readonly text: string; readonly rest: Buffer };

/** A whole frame of a client, unmasked; undefined when there is none yet. Clients send what we ask of them in one frame. */
export function readFrame(bytes: Buffer): ClientFrame | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const body = Buffer.from(bytes.subarray(start, start + length));
  for (let at = 0; at < body.length; at++) body[at] = (body[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return { opcode: (bytes[0] ?? 0) & 0x0f, text: body.toString(), rest: bytes.subarray(start + length) };
}
