/** What callers want of an app's display: seen or not, how large, in front of whom, with the focus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, outputOf, runApp, SLEEP, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { refusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { colourOf, pictureOf, runDrawing, SIZE, untilColour } from '../lib/screens.ts';

const ORANGE = 'ff8000';
const BLUE = '0000ff';
const BLACK = '000000';

const viewOf = async (client: Client, appInstanceId: string) => {
  const { display } = await client.getInfo({ appInstanceId });
  assert(display !== null);
  const { visible, focused, zOrder, width, height } = display;
  return { visible, focused, zOrder, width, height };
};

for (const placement of ['host', 'container'] as const) {
  test(`${placement}: a display is hidden, shown and resized, at once or when its app runs on, also by the next daemon`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const id = await runDrawing(client, ORANGE, { display: { ...SIZE, placement } });
    await untilColour(client, id, ORANGE);
    assert.deepEqual(await client.setVisible({ appInstanceId: id, visible: true }), { already: true });
    await client.setVisible({ appInstanceId: id, visible: false });
    await untilColour(client, id, BLACK);
    await client.resizeDisplay({ appInstanceId: id, width: 400, height: 240 });
    await client.suspend({ appInstanceId: id });
    await client.setVisible({ appInstanceId: id, visible: true });
    await client.resizeDisplay({ appInstanceId: id, width: 440, height: 260 });
    const wanted = { visible: true, focused: false, zOrder: 0, width: 440, height: 260 };
    assert.deepEqual(await viewOf(client, id), wanted);
    await client.resume({ appInstanceId: id });
    await untilColour(client, id, ORANGE);
    await untilSays(client, id, 'shown 440x260');
    assert.deepEqual((await pictureOf(client, id)).width, 440);
    await client.setVisible({ appInstanceId: id, visible: false });
    await daemon.kill9();
    await daemon.start();
    assert.equal((await viewOf(daemon.client, id)).visible, false);
    assert.equal(await colourOf(daemon.client, id), BLACK);
    await daemon.client.setVisible({ appInstanceId: id, visible: true });
    await untilColour(daemon.client, id, ORANGE);
  });
}

test('the size and place of a display are kept over a sleep of its app', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runDrawing(client, ORANGE);
  await untilColour(client, id, ORANGE);
  await client.resizeDisplay({ appInstanceId: id, width: 400, height: 240 });
  await untilSays(client, id, 'shown 400x240');
  await client.setVisible({ appInstanceId: id, visible: false });
  await client.hibernate({ appInstanceId: id });
  const calls = [
    () => client.setVisible({ appInstanceId: id, visible: true }),
    () => client.setFocus({ appInstanceId: id }),
    () => client.setZOrder({ appInstanceId: id, zOrder: 1 }),
    () => client.resizeDisplay({ appInstanceId: id, width: 1, height: 1 }),
  ];
  for (const call of calls) assert.match((await refusal(call(), 'ILLEGAL_STATE')).next ?? '', /^wake it first/);
  await client.wake({ appInstanceId: id });
  assert.equal(await colourOf(client, id), BLACK);
  await client.setVisible({ appInstanceId: id, visible: true });
  await untilColour(client, id, ORANGE);
  assert.equal((await pictureOf(client, id)).width, 400);
});

test('one app has the focus: the first, then whoever is given it, and who had it before when that one is not seen', async () => {
  await using daemon = await startDaemon();
  const { client, root } = daemon;
  const display = { ...SIZE, placement: 'host' } as const;
  const one = await runDrawing(client, ORANGE, { display });
  const other = await runDrawing(client, BLUE, { display });
  const focusOf = async (id: string) => (await client.getInfo({ appInstanceId: id })).display?.focused;
  const assertFocus = async (has: string, hasNot: string) => {
    assert.deepEqual([await focusOf(has), await focusOf(hasNot)], [true, false]);
  };
  await assertFocus(one, other);
  await client.setFocus({ appInstanceId: other });
  await assertFocus(other, one);
  assert.deepEqual(await client.setFocus({ appInstanceId: other }), { already: true });
  await client.suspend({ appInstanceId: other });
  await assertFocus(one, other);
  await client.resume({ appInstanceId: other });
  await assertFocus(other, one);
  const hidden = await runtimectl(['--root', root, '--json', 'hide', other]);
  assert.deepEqual(JSON.parse(hidden.stdout), { appInstanceId: other, already: false });
  await assertFocus(one, other);
  assert.equal((await runtimectl(['--root', root, 'zorder', one, '-3'])).stdout, `the display of ${one} is at -3\n`);
  assert.equal((await viewOf(client, one)).zOrder, -3);
  await client.kill({ appInstanceId: one });
  const told = (await client.getEvents({ since: 0 })).events.filter(({ type }) => type === 'displayFocused');
  assert.deepEqual(
    told.map(({ appInstanceId }) => appInstanceId),
    [one, other, one, other, one],
  );
  const changes = (await eventsOf(client, other)).filter(({ type }) => type === 'displayChanged');
  assert.deepEqual(
    changes.map((event) => 'visible' in event && [event.visible, event.by]),
    [[false, 'the unix socket']],
  );
});

test('what has no display of ours says so', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'plain', SLEEP);
  const error = await refusal(daemon.client.setFocus({ appInstanceId: id }), 'NOT_SUPPORTED');
  assert.match(error.message, /has no display/);
  assert.deepEqual(await outputOf(daemon.client, id), []);
});
