/** Compositors in the apps' containers: they sleep and wake with the app. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, exitOf, hostApp, inWords, outputOf, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { processesOfUser } from '../lib/machine.ts';
import { colourOf, compositorOf, drawing, runDrawing, SIZE, untilColour } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const ORANGE = 'ff8000';
const CYCLES = 3;

const runCounting = async (client: Client): Promise<string> => {
  const order = hostApp(uniqueId('count'), drawing(ORANGE, '--count'), { display: SIZE });
  return (await client.run(order)).appInstanceId;
};

const framesOf = async (client: Client, id: string): Promise<number> =>
  Math.max(0, ...(await outputOf(client, id)).map((line) => Number(/^frame (\d+)$/.exec(line)?.[1] ?? 0)));

test('an app that draws hibernates and wakes with its display, three times', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runCounting(client);
  const { uid } = await client.getInfo({ appInstanceId: id });
  for (let round = 0; round < CYCLES; round++) {
    const before = await framesOf(client, id);
    await until(async () => (await framesOf(client, id)) > before, { what: 'it draws' });
    assert.equal((await client.explainHibernation({ appInstanceId: id })).possible, 'yes');
    await client.hibernate({ appInstanceId: id });
    assert.deepEqual(processesOfUser(uid), []);
    const asleep = await client.getScreenshot({ appInstanceId: id });
    assert.equal(asleep.live, false);
    const frames = await framesOf(client, id);
    await client.wake({ appInstanceId: id });
    await until(async () => (await framesOf(client, id)) > frames, { what: 'it goes on' });
    const next = await framesOf(client, id);
    assert(next >= frames && next < frames + 10_000, 'its count goes on, and did not begin anew');
    assert.equal((await client.getScreenshot({ appInstanceId: id })).live, true);
  }
  const { display } = await client.getInfo({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  assert(display !== null && !existsSync(display.socket));
  assert(!inWords(await eventsOf(client, id)).includes('displayDied'));
});

test('the picture of an app is the same after a wake, and after a restart of the daemon while it slept', async () => {
  await using daemon = await startDaemon();
  const id = await runDrawing(daemon.client, ORANGE);
  await untilColour(daemon.client, id, ORANGE);
  await daemon.client.suspend({ appInstanceId: id });
  await daemon.client.hibernate({ appInstanceId: id });
  await daemon.kill9();
  await daemon.start();
  const { client } = daemon;
  assert.equal((await client.getScreenshot({ appInstanceId: id })).live, false);
  assert.equal(await colourOf(client, id), ORANGE);
  await client.wake({ appInstanceId: id, target: 'SUSPENDED' });
  assert.equal((await client.getScreenshot({ appInstanceId: id })).live, false);
  await daemon.kill9();
  await daemon.start();
  await daemon.client.resume({ appInstanceId: id });
  assert.equal((await daemon.client.getScreenshot({ appInstanceId: id })).live, true);
  await untilColour(daemon.client, id, ORANGE);
});

test('a killed compositor in the container takes its app and nothing else', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runDrawing(client, ORANGE);
  await untilSays(client, id, `shown ${SIZE.width}x${SIZE.height}`);
  await untilColour(client, id, ORANGE);
  process.kill(await compositorOf(client, id), 'SIGKILL');
  assert.equal((await exitOf(client, id)).code, 3);
});
