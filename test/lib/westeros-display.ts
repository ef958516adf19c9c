/**
 * One display of westeros, as its clients and the window manager see it (westeros-compositor.cpp): wstCompositorBind tells
 * `connected`, and the destruction of that object, also by the client's end, `disconnected` (wstDestroyCompositorCallback). A
 * connection that binds no wl_compositor is never told of. Requests are read as libwayland's wl_client_connection_data does:
 * an unknown object, an unknown request or an id out of turn is an error of the protocol and ends the client.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export type ClientStatus = 'connected' | 'disconnected';

const OFFERED = ['wl_compositor', 'wl_shm', 'wl_seat'];
/** Requests by interface, in the order of their numbers in wayland.xml; westeros binds wl_compositor up to version 3. */
const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  wl_display: ['sync', 'get_registry'],
  wl_registry: ['bind'],
  wl_compositor: ['create_surface', 'create_region'],
};
const VERSION = 3;

export async function westerosDisplay(path: string, onStatus: (status: ClientStatus) => void): Promise<Server> {
  const display = createServer((client) => {
    serve(client, onStatus);
  }).listen(path);
  await once(display, 'listening');
  return display;
}

const words = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const text = (value: string): Buffer => {
  const size = value.length + 1;
  return Buffer.concat([words(size), Buffer.from(value.padEnd(Math.ceil(size / 4) * 4, '\0'))]);
};

function serve(client: Socket, onStatus: (status: ClientStatus) => void): void {
  const objects = new Map([[1, 'wl_display']]);
  let unread = Buffer.alloc(0);
  let nextId = 2;
  let bound = false;

  const send = (object: number, opcode: number, body: Buffer): void => {
    client.write(Buffer.concat([words(object, ((8 + body.length) << 16) | opcode), body]));
  };
  const refuse = (why: string): void => {
    send(1, 0, Buffer.concat([words(1, 1), text(why)]));
    client.end();
  };
  const make = (id: number, kind: string): void => {
    // wl_map_insert_at: the next one, or one that has been given back
    if (id > nextId) refuse(`invalid new id ${id}`);
    nextId = Math.max(nextId, id + 1);
    objects.set(id, kind);
  };

  const handlers: Readonly<Record<string, (body: Buffer) => void>> = {
    sync: (body) => {
      const id = body.readUInt32LE(0);
      make(id, 'wl_callback');
      send(id, 0, words(1));
      objects.delete(id);
      send(1, 1, words(id));
    },
    get_registry: (body) => {
      const id = body.readUInt32LE(0);
      make(id, 'wl_registry');
      OFFERED.forEach((kind, i) => {
        send(id, 0, Buffer.concat([words(i + 1), text(kind), words(VERSION)]));
      });
    },
    bind: (body) => {
      const [name, size] = [body.readUInt32LE(0), body.readUInt32LE(4)];
      const kind = body.toString('latin1', 8, 8 + size - 1);
      const after = 8 + Math.ceil(size / 4) * 4;
      const [version, id] = [body.readUInt32LE(after), body.readUInt32LE(after + 4)];
      const isOffered = OFFERED[name - 1] === kind && version >= 1 && version <= VERSION;
      if (!isOffered) refuse(`invalid global ${kind} (${name})`);
      make(id, kind);
      if (!isOffered || kind !== 'wl_compositor') return;
      bound = true;
      onStatus('connected');
    },
  };

  client.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= 8 && client.writable) {
      const [object, head] = [unread.readUInt32LE(0), unread.readUInt32LE(4)];
      const size = head >>> 16;
      if (unread.length < size) return;
      const request = REQUESTS[objects.get(object) ?? '']?.[head & 0xffff] ?? '';
      const handle = handlers[request];
      const body = unread.subarray(8, size);
      unread = unread.subarray(size);
      if (handle === undefined || size < 8) refuse(`invalid request ${head & 0xffff} of object ${object}`);
      else handle(body);
    }
  });
  client.on('error', () => undefined);
  client.on('close', () => {
    if (bound) onStatus('disconnected');
  });
}
