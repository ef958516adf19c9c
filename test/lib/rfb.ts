/** A viewer of an app's display: RFB 3.8 over a WebSocket, raw pixels. Source: RFC 6143. */
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { VIEW_PROTOCOLS, viewPath } from '../../src/domain/wire.ts';
import { until } from './until.ts';

const LIMIT_MS = 20_000;

type Closed = { readonly code: number; readonly reason: string };

/** One who is connected to a view, or the status with which the daemon refuses it. */
export async function openView(base: string, appInstanceId: string, token?: string): Promise<Viewer | number> {
  const url = new URL(viewPath(appInstanceId), base.replace(/^http/, 'ws'));
  if (token !== undefined) url.searchParams.set('token', token);
  const socket = new WebSocket(url, Object.values(VIEW_PROTOCOLS));
  // before it is open: the display speaks first
  const looking = new Viewer(socket);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(looking));
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.once('error', reject);
  });
}

export class Viewer implements AsyncDisposable {
  readonly socket: WebSocket;
  closed: Closed | undefined;
  #bytes = Buffer.alloc(0);
  #width = 0;
  #height = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, data])));
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  get size(): string {
    return `${this.#width}x${this.#height}`;
  }

  send(...bytes: readonly number[]): void {
    this.socket.send(Buffer.from(bytes));
  }

  /** Throws with the daemon's reason when it closes instead. */
  async greet(): Promise<void> {
    assert.equal((await this.#take(12)).toString(), 'RFB 003.008\n');
    this.socket.send('RFB 003.008\n');
    const [count = 0] = await this.#take(1);
    assert((await this.#take(count)).includes(1));
    this.send(1);
    assert.equal((await this.#take(4)).readUInt32BE(), 0);
    this.send(0);
    const init = await this.#take(24);
    [this.#width, this.#height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
    await this.#take(init.readUInt32BE(20));
    // raw only
    this.send(2, 0, 0, 1, 0, 0, 0, 0);
  }

  /** In the middle, rrggbb. */
  async colour(): Promise<string> {
    const picture = await this.#picture();
    const at = ((this.#height >> 1) * this.#width + (this.#width >> 1)) * 4;
    return picture.readUIntLE(at, 3).toString(16).padStart(6, '0');
  }

  /** By the number of a character, as X11 names keys. */
  key(keysym: number): void {
    for (const down of [1, 0]) this.send(4, down, 0, 0, 0, 0, keysym >> 8, keysym & 0xff);
  }

  async #picture(): Promise<Buffer> {
    const [width, height] = [this.#width, this.#height];
    this.send(3, 0, 0, 0, 0, 0, width >> 8, width & 0xff, height >> 8, height & 0xff);
    const picture = Buffer.alloc(width * height * 4);
    const [type, , ...count] = await this.#take(4);
    assert.equal(type, 0);
    for (let left = Buffer.from(count).readUInt16BE(); left > 0; left--) await this.#rectangle(picture);
    return picture;
  }

  async #rectangle(picture: Buffer): Promise<void> {
    const head = await this.#take(12);
    const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [number, number, number, number];
    assert.equal(head.readInt32BE(8), 0, 'raw');
    const pixels = await this.#take(width * height * 4);
    for (let line = 0; line < height; line++) {
      pixels.copy(picture, ((y + line) * this.#width + x) * 4, line * width * 4, (line + 1) * width * 4);
    }
  }

  async #take(count: number): Promise<Buffer> {
    await until(() => this.#bytes.length >= count || this.closed !== undefined, {
      what: `${count} bytes of the display`,
      timeoutMs: LIMIT_MS,
    });
    if (this.#bytes.length < count) throw new Error(`closed: ${this.closed?.code ?? 0} ${this.closed?.reason ?? ''}`);
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await until(() => this.closed, { what: 'the viewer has gone' });
  }
}

/** One who sees the display. */
export async function viewer(base: string, appInstanceId: string, token?: string): Promise<Viewer> {
  const looking = await openView(base, appInstanceId, token);
  if (typeof looking === 'number') throw new Error(`refused with status ${looking}`);
  await looking.greet();
  return looking;
}
