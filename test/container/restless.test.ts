/** An app whose window is never at rest, on a real compositor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf, inWords, outputOf, runApp, SLEEP } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { drawing, SIZE } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const LOOK_MS = 4000;
/** Far more than a call takes on a loaded machine, far less than the noise that there was. */
const MOST_MS = 3000;

for (const how of ['--retitle', '--flicker']) {
  test(`a window that does ${how} all the time writes few events and holds up no call; its display goes on`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const other = await runApp(client, 'other', SLEEP);
    const id = await runApp(client, 'restless', drawing('ff8000', how), { display: { ...SIZE, placement: 'host' } });
    await until(async () => (await outputOf(client, id)).some((line) => line.startsWith('shown')), {
      what: 'it shows',
    });
    let slowestMs = 0;
    const end = performance.now() + LOOK_MS;
    while (performance.now() < end) {
      const begin = performance.now();
      await client.getInfo({ appInstanceId: other });
      slowestMs = Math.max(slowestMs, performance.now() - begin);
      await sleep(10);
    }
    const told = inWords(await eventsOf(client, id)).filter((word) => word.startsWith('display'));
    assert.ok(told.includes('displayReady'));
    assert.ok(told.length <= 25, `${told.length} events`);
    assert.ok(slowestMs < MOST_MS, `a call took ${slowestMs} ms`);
    // a client that is configured in the middle of a change may make a mistake of its own; its display is not ended for its noise
    assert.notEqual((await client.getInfo({ appInstanceId: id })).exit?.cause, 'display-died');
  });
}
