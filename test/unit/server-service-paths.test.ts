/** The paths /Service/… as ThunderUI asks for them (facts: thunder.md 1.1). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { CALLSIGN } from '../../src/domain/wire.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';

test('ThunderUI: /Service/Controller lists the plugins, /Service/<callsign> tells of one, and nothing else is there', async () => {
  await using daemon = await fakeDaemon();
  const get = async (path: string, method = 'GET') => {
    const sent = request({ socketPath: daemon.socket, path, method });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, text };
  };
  const { plugins } = JSON.parse((await get('/Service/Controller')).text) as { plugins: { callsign: string }[] };
  assert.deepEqual(
    plugins.map(({ callsign }) => callsign),
    ['Controller', CALLSIGN],
  );
  assert.partialDeepStrictEqual(JSON.parse((await get(`/Service/${CALLSIGN}/`)).text), { state: 'activated' });
  assert.equal((await get('/Service/org.other')).status, 404);
  assert.equal((await get('/Service/Controller/Activate/x', 'PUT')).status, 404);
  assert.equal((await get('/Service/Controller', 'POST')).status, 405);
});
