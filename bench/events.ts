/** What events cost: telling hundreds, one that does not read among them, and reading a log of a million. */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { fillLog } from '../test/lib/long-log.ts';
import { startDaemon, type Daemon } from './lib/daemon.ts';
import { median, percentile } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const SUBSCRIBERS = 500;
const ROUNDS = 40;
const MANY_EVENTS = 1_000_000;
const CAUGHT_UP = 100_000;
const REGISTER = '{"id":1,"method":"register","params":{"event":"onEvent","id":"bench"}}';

type Crowd = Disposable & {
  /** From the time that the event carries until each subscriber has it, in ms. */
  readonly tell: () => Promise<readonly number[]>;
};

/** When they have it is all that is measured: what a client does with it is not the daemon's time. */
async function gather({ client, root }: Daemon, count: number): Promise<Crowd> {
  let heard: ((message: Buffer) => void) | undefined;
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = open(root);
      await once(socket, 'open');
      socket.send(REGISTER);
      await once(socket, 'message');
      socket.on('message', (message: Buffer) => heard?.(message));
      return socket;
    }),
  );
  const moves = ['suspend', 'resume'] as const;
  let turn = 0;
  return {
    tell: async () => {
      const at: number[] = [];
      const told = new Promise<Buffer>((resolve) => {
        heard = (message) => {
          if (at.push(Date.now()) === count) resolve(message);
        };
      });
      await client[moves[turn++ % 2] ?? 'suspend']({ appInstanceId: 'told' });
      const { params } = JSON.parse((await told).toString()) as { params: { time: string } };
      return at.map((ms) => ms - Date.parse(params.time));
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

const open = (root: string): WebSocket =>
  new WebSocket('ws://localhost/jsonrpc', {
    createConnection: () => connectSocket({ path: `${root}/run/control.sock` }),
    perMessageDeflate: false,
  });

async function p99(crowd: Crowd): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) times.push(...(await crowd.tell()));
  return percentile(times, 0.99);
}

export async function audience(daemon: Daemon): Promise<readonly Figure[]> {
  const { client, root } = daemon;
  await client.run({
    appId: 'bench',
    appInstanceId: 'told',
    app: { rootfs: { host: true }, args: ['/bin/sleep', '100000'] },
  });
  using crowd = await gather(daemon, SUBSCRIBERS);
  await crowd.tell();
  await crowd.tell();
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < 5; round++) {
    alone.push(await p99(crowd));
    const deaf = open(root);
    await once(deaf, 'open');
    deaf.send(REGISTER);
    await sleep(20);
    deaf.pause();
    // what it asks for and does not read fills its buffers, so that its events wait in the daemon; less than what would end it
    for (let i = 0; i < 6000; i++) deaf.send('{"id":1,"method":"version"}');
    // its calls are work of another kind
    await sleep(500);
    beside.push(await p99(crowd));
    deaf.terminate();
  }
  return [
    { what: `an event to ${SUBSCRIBERS} subscribers, p99`, ours: median(alone), unit: 'ms', bound: 50 },
    {
      what: 'the same beside one that does not read / alone',
      ours: median(beside),
      theirs: median(alone),
      unit: 'ms',
      bound: 1.2,
    },
  ];
}

/** From the first, the middle and near the end; and how long a daemon takes to start with it. */
export async function longLog(readyMs: number): Promise<readonly Figure[]> {
  await using daemon = await startDaemon({
    config: { maxEvents: 2 * MANY_EVENTS, maxEventBytes: 2 ** 31 },
    prepare: (places) => fillLog(places.database, MANY_EVENTS),
  });
  const rates: number[] = [];
  for (const since of [0, MANY_EVENTS / 2, MANY_EVENTS - CAUGHT_UP]) {
    const begin = performance.now();
    let count = 0;
    const over = new AbortController();
    for await (const _event of daemon.client.events({ since, signal: over.signal })) {
      count += 1;
      if (count === CAUGHT_UP) break;
    }
    rates.push((count * 1000) / (performance.now() - begin));
  }
  return [
    {
      what: 'catching up in a log of 1 000 000, slowest of three places',
      ours: Math.min(...rates),
      unit: '/s',
      bound: 20_000,
      least: true,
    },
    { what: 'start-up more with 1 000 000 events', ours: daemon.readyMs - readyMs, unit: 'ms', bound: 100 },
  ];
}
