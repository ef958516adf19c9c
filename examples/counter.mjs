// The tour's sample app: counts twenty times a second and tells its count over HTTP on a unix socket in its storage, so that
// anybody can see whether it runs, stands still, or has come back where it was.
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { setInterval } from 'node:timers';

const socket = process.argv[2] ?? '/data/counter.sock';
const state = { count: 0, startedAt: new Date().toISOString(), answers: 0 };

setInterval(() => {
  state.count += 1;
  if (state.count % 100 === 0) console.log(`counted to ${state.count}`);
}, 50);

rmSync(socket, { force: true });
createServer((_request, response) => {
  state.answers += 1;
  response.setHeader('content-type', 'application/json').end(`${JSON.stringify(state)}\n`);
}).listen(socket, () => console.log(`listening on ${socket}`));

process.on('SIGTERM', () => {
  console.log(`asked to end at ${state.count}`);
  process.exit(0);
});
