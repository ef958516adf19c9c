// The bare server that ours is measured beside, as a process of its own: `node peer.mjs ws|http PATH`. It prints a line when it listens.
import { createServer } from 'node:http';
import process from 'node:process';
import { WebSocketServer } from 'ws';

const [kind, path] = process.argv.slice(2);

/** Reads the request and answers with as many bytes as `getInfo` does. */
const ANSWER = JSON.stringify({ jsonrpc: '2.0', id: 1, result: 'x'.repeat(1200) });

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': ANSWER.length });
    response.end(ANSWER);
  });
});
if (kind === 'ws') {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
}
server.listen(path, () => process.stdout.write('listening\n'));
