// A Node HTTP server with timers, promises and a heap worth keeping; says how often it was asked.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setInterval } from 'node:timers';

const born = { token: randomUUID(), pid: process.pid, startedAt: new Date().toISOString() };
const entries = new Map(Array.from({ length: 20_000 }, (_, number) => [`key ${number}`, { number, id: randomUUID() }]));
let asked = 0;
let ticks = 0;
setInterval(() => (ticks += 1), 20);

const digest = () => [...entries].reduce((sum, [key, { id }]) => (sum * 31 + key.length + id.charCodeAt(5)) % 1e9, 7);

/** @type {Record<string, () => object>} */
const answers = {
  '/state': () => ({ ...born, entries: entries.size, digest: digest() }),
  '/ask': () => ({ asked: ++asked, ticks }),
  '/ticks': () => ({ asked, ticks }),
};

createServer((request, response) => {
  const answer = answers[request.url ?? ''];
  response.writeHead(answer === undefined ? 404 : 200, { connection: 'close' });
  response.end(JSON.stringify(answer?.() ?? null));
}).listen(8000, '127.0.0.1', () => console.log('ready'));
