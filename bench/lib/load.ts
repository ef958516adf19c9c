/** Load on a server, by raw sockets: what the client costs must not hide what the server costs. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Load = {
  /** Of a unix socket. */
  readonly path: string;
  readonly text: string;
  readonly ms: number;
  /** So many calls are under way at once; over HTTP on as many connections. */
  readonly atOnce: number;
};

const UPGRADE = [
  'GET /jsonrpc HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

/** Calls each second over one WebSocket. */
export async function webSocketRate({ path, text, ms, atOnce }: Load): Promise<number> {
  const socket = await open(path);
  socket.write(`${UPGRADE}\r\n\r\n`);
  await once(socket, 'data');
  const frames = Buffer.concat(Array.from({ length: atOnce }, () => maskedFrame(text)));
  const count = frameCounter();
  const rate = await counted(ms, (done) => {
    let waiting = atOnce;
    socket.on('data', (chunk: Buffer) => {
      const answers = count(chunk);
      done(answers);
      waiting -= answers;
      if (waiting > 0) return;
      waiting = atOnce;
      socket.write(frames);
    });
    socket.write(frames);
  });
  socket.destroy();
  return rate;
}

/** Calls each second over a few connections that are kept. */
export async function httpRate({ path, text, ms, atOnce }: Load): Promise<number> {
  const post = Buffer.from(
    `POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  const sockets = await Promise.all(Array.from({ length: atOnce }, () => open(path)));
  const rate = await counted(ms, (done) => {
    for (const socket of sockets) {
      const count = answerCounter();
      socket.on('data', (chunk: Buffer) => {
        if (count(chunk) === 0) return;
        done(1);
        socket.write(post);
      });
      socket.write(post);
    }
  });
  for (const socket of sockets) socket.destroy();
  return rate;
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/** After as long again to warm up. */
async function counted(ms: number, start: (done: (answers: number) => void) => void): Promise<number> {
  let answers = 0;
  start((more) => {
    answers += more;
  });
  await passed(ms);
  const [from, begin] = [answers, performance.now()];
  await passed(ms);
  return ((answers - from) * 1000) / (performance.now() - begin);
}

const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** RFC 6455 §5.2, with a mask of zeros; up to 65535 bytes. */
function maskedFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const head = body.length < 126 ? [0x81, 0x80 | body.length] : [0x81, 0xfe, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
}

/** Whole frames in what has come so far; those of a server have no mask. */
function frameCounter(): (chunk: Buffer) => number {
  let left: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    let [at, frames] = [0, 0];
    for (;;) {
      if (bytes.length - at < 4) break;
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const size = short < 126 ? 2 + short : 4 + bytes.readUInt16BE(at + 2);
      if (bytes.length - at < size) break;
      at += size;
      frames += 1;
    }
    left = bytes.subarray(at);
    return frames;
  };
}

/** 1 when the answer is whole: there is never more than one under way. */
function answerCounter(): (chunk: Buffer) => number {
  let text = '';
  return (chunk) => {
    text += chunk.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    if (head === -1) return 0;
    const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1]);
    if (text.length < head + 4 + length) return 0;
    text = '';
    return 1;
  };
}
