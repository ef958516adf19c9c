/**
 * One HTTP/1.1 request, by hand: node:http alone takes as long to load as all of Node does to start
 * (measured: 46 ms for a whole call this way, 99 ms with node:http, 124 ms with ws; 33 ms for an empty script).
 */
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { JSON_RPC_PATH } from '../domain/wire.ts';
import type { Road } from './address.ts';

/** The answer's body. Throws the socket's own error, ECONNRESET when the answer ends early, or the signal's reason. */
export async function post(road: Road, body: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const socket = await open(road);
  const abort = () => socket.destroy(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    socket.write(`${headOf(road, Buffer.byteLength(body)).join('\r\n')}\r\n\r\n${body}`);
    return bodyOf(await readToEnd(socket));
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function open(road: Road): Promise<Socket> {
  if (road.kind === 'unix') return connect({ path: road.socketPath });
  const { protocol, hostname, port: digits } = road.url;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol === 'ws:') return connect({ host, port: Number(digits || 80) });
  const tls = await import('node:tls');
  const { ca } = road;
  return tls.connect({
    host,
    port: Number(digits || 443),
    // an address is no name that may be indicated (RFC 6066 §3)
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  });
}

function headOf(road: Road, sizeBytes: number): readonly string[] {
  const { path, host, token } =
    road.kind === 'unix'
      ? { path: JSON_RPC_PATH, host: 'localhost', token: undefined }
      : { path: `${road.url.pathname}${road.url.search}`, host: road.url.host, token: road.token };
  return [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    `Content-Length: ${sizeBytes}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    'Connection: close',
  ];
}

async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Our server always says how long its answer is; less than that is an answer cut off (RFC 9112 §6.3). */
function bodyOf(answer: Buffer): string {
  const end = answer.indexOf('\r\n\r\n');
  const head = answer.subarray(0, Math.max(0, end)).toString('latin1');
  const body = answer.subarray(end + 4);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (end !== -1 && body.length === Number(length)) return body.toString();
  throw Object.assign(new Error('the answer was cut off'), { code: 'ECONNRESET' });
}
