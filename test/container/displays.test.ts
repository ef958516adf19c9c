/** Apps with displays of their own, in containers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import {
  eventsOf,
  exitOf,
  hostApp,
  inWords,
  outputOf,
  pidOf,
  runApp,
  shell,
  SLEEP,
  uniqueId,
  untilSays,
} from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { processesOfUser } from '../lib/machine.ts';
import { refusal } from '../lib/refusal.ts';
import { colourOf, compositorOf, drawing, pictureOf, pointing, runDrawing, SIZE, untilColour } from '../lib/screens.ts';
import { troubledTools } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const ORANGE = 'ff8000';
const BLUE = '0000ff';

const infoOf = (client: Client, appInstanceId: string) => client.getInfo({ appInstanceId });

async function socketOf(client: Client, appInstanceId: string): Promise<string> {
  const { display } = await infoOf(client, appInstanceId);
  assert(display !== null);
  return display.socket;
}

const untilEvent = (client: Client, id: string, type: string) =>
  until(async () => inWords(await eventsOf(client, id)).includes(type), { what: `${type} of ${id}` });

/** Everything that the app's user had is gone, and so is the directory of its display. */
async function untilNothingIsLeft(daemon: TestDaemon, uid: number, socket: string): Promise<void> {
  await until(() => processesOfUser(uid).length === 0 && !existsSync(socket), { what: 'nothing is left' });
  assert(
    daemon.traces().every((trace) => !trace.includes('display-wst')),
    'no control group is left',
  );
}

for (const placement of ['host', 'container'] as const) {
  const display = { ...SIZE, placement };

  test(`${placement}: an app draws on a display of its own, and tells when it does`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const id = await runDrawing(client, ORANGE, { display });
    const { uid, display: given } = await infoOf(client, id);
    assert.equal(given?.displayName, `wst-${id}`);
    await untilColour(client, id, ORANGE);
    const picture = await pictureOf(client, id);
    assert.deepEqual([picture.width, picture.height], [SIZE.width, SIZE.height]);
    assert.equal((await client.getScreenshot({ appInstanceId: id })).live, true);
    const ready = (await eventsOf(client, id)).find((event) => event.type === 'displayReady');
    assert(ready !== undefined && ready.ms !== null && ready.ms > 0);
    const socket = await socketOf(client, id);
    await client.terminate({ appInstanceId: id });
    assert.deepEqual(processesOfUser(uid), []);
    assert(!existsSync(socket));
    await refusal(client.getScreenshot({ appInstanceId: id }), 'ILLEGAL_STATE');
  });

  test(`${placement}: a killed app leaves its display, a killed compositor takes its app, and others notice neither`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const untouched = await runDrawing(client, BLUE, { display });
    const killed = await runDrawing(client, ORANGE, { display });
    await untilEvent(client, killed, 'displayReady');
    const { uid } = await infoOf(client, killed);
    const socket = await socketOf(client, killed);
    process.kill(await compositorOf(client, killed), 'SIGKILL');
    const exit = await exitOf(client, killed);
    assert.equal(exit.code, 3, 'the client says that its connection was closed');
    // in a container the app may have ended before anybody saw that its compositor had
    if (placement === 'host') {
      assert(inWords(await eventsOf(client, killed)).includes('displayDied'));
      assert.equal(exit.cause, 'display-died');
    }
    await untilNothingIsLeft(daemon, uid, socket);
    const second = await runDrawing(client, ORANGE, { display });
    await untilEvent(client, second, 'displayReady');
    const place = { uid: (await infoOf(client, second)).uid, socket: await socketOf(client, second) };
    process.kill(await pidOf(client, second), 'SIGKILL');
    await exitOf(client, second);
    await untilNothingIsLeft(daemon, place.uid, place.socket);
    assert.equal(await colourOf(client, untouched), BLUE);
  });

  test(`${placement}: a killed daemon: the next one takes up the displays of what lives and sweeps the others`, async () => {
    await using daemon = await startDaemon();
    const id = await runDrawing(daemon.client, ORANGE, { display });
    await untilColour(daemon.client, id, ORANGE);
    const ended = await runDrawing(daemon.client, BLUE, { display });
    await untilColour(daemon.client, ended, BLUE);
    const gone = { ...(await infoOf(daemon.client, ended)), socket: await socketOf(daemon.client, ended) };
    await daemon.kill9();
    process.kill(gone.pid ?? 0, 'SIGKILL');
    await daemon.start();
    const { client } = daemon;
    assert.equal(await colourOf(client, id), ORANGE);
    await untilNothingIsLeft(daemon, gone.uid, gone.socket);
    process.kill(await compositorOf(client, id), 'SIGKILL');
    assert.equal((await exitOf(client, id)).code, 3);
    if (placement === 'host') await untilEvent(client, id, 'displayDied');
    const words = inWords(await eventsOf(client, id)).filter((word) => /^display(Connected|Ready)$/.test(word));
    assert.deepEqual(words, ['displayConnected', 'displayReady']);
  });

  test(`${placement}: a daemon that is killed while it makes a display leaves nothing that the next one does not find`, async () => {
    await using daemon = await startDaemon();
    for (let round = 0; round < 3; round++) {
      const id = uniqueId('early');
      const uid = daemon.firstUid + 500 + round;
      const stopped = assert.rejects(daemon.client.run(hostApp(id, drawing(ORANGE), { display, userId: uid })));
      await until(() => processesOfUser(uid).length > 0, { what: 'its first process is there', pollMs: 1 });
      await daemon.kill9();
      await stopped;
      await daemon.start();
      const { state } = await infoOf(daemon.client, id);
      if (state !== 'TERMINATED') await daemon.client.kill({ appInstanceId: id });
      await until(() => processesOfUser(uid).length === 0, { what: 'nothing is left' });
    }
  });

  test(`${placement}: a suspended app is hidden first, shows its last picture, and survives thousands of pointer motions`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const id = (await client.run(hostApp(uniqueId('focused'), drawing(ORANGE, '--count'), { display }))).appInstanceId;
    await untilSays(client, id, 'frame 30');
    const env = { PATH: process.env['PATH'], WAYLAND_SOCKET_PATH: await socketOf(client, id) };
    const move = (motions: number) =>
      promisify(execFile)('/usr/bin/perl', pointing(String(motions)).slice(1), { env, timeout: 60_000 });
    await move(10);
    await client.suspend({ appInstanceId: id });
    const asleep = await client.getScreenshot({ appInstanceId: id });
    assert.equal(asleep.live, false);
    const moved = move(5000);
    // a compositor in the container stands still, too: it hears of them after the thaw
    if (placement === 'host') await moved;
    assert.deepEqual(await client.getScreenshot({ appInstanceId: id }), asleep);
    const frames = (await outputOf(client, id)).length;
    await client.resume({ appInstanceId: id });
    await moved;
    await until(async () => (await outputOf(client, id)).length > frames, { what: 'it goes on drawing' });
    assert.equal((await client.getScreenshot({ appInstanceId: id })).live, true);
  });
}

test('an app that goes on without its display is ended, and so is one whose display died while nobody was there', async () => {
  await using daemon = await startDaemon();
  const display = { ...SIZE, placement: 'host' } as const;
  const stubborn = await runApp(daemon.client, 'stubborn', SLEEP, { display });
  const frozen = await runDrawing(daemon.client, BLUE, { display });
  const alone = await runApp(daemon.client, 'alone', SLEEP, { display });
  await daemon.client.suspend({ appInstanceId: frozen });
  process.kill(await compositorOf(daemon.client, stubborn), 'SIGKILL');
  process.kill(await compositorOf(daemon.client, frozen), 'SIGKILL');
  for (const id of [stubborn, frozen]) assert.equal((await exitOf(daemon.client, id)).cause, 'display-died');
  const compositor = await compositorOf(daemon.client, alone);
  await daemon.kill9();
  process.kill(compositor, 'SIGKILL');
  await daemon.start();
  assert.equal((await exitOf(daemon.client, alone)).cause, 'display-died');
});

test('two apps see nothing of each other, and what one does not show the other cannot reach', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const [one, other] = [await runDrawing(client, ORANGE), await runDrawing(client, BLUE)];
  await Promise.all([untilColour(client, one, ORANGE), untilColour(client, other, BLUE)]);
  const socket = await socketOf(client, one);
  const spy = await runApp(
    client,
    'spy',
    shell(
      `ls -A "$XDG_RUNTIME_DIR"; ls ${socket} 2>/dev/null || echo "no other"; stat -c '%a %u' "$XDG_RUNTIME_DIR"; exec sleep 1000`,
    ),
    { display: { ...SIZE, placement: 'host' } },
  );
  await untilSays(client, spy, 'no other');
  await until(async () => (await outputOf(client, spy)).length === 3, { what: 'it has looked' });
  const { uid } = await infoOf(client, spy);
  assert.deepEqual(await outputOf(client, spy), ['wayland-0', 'no other', `700 ${uid}`]);
  // outside, where the path is there, its user may not connect
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const env = { PATH: process.env['PATH'], WAYLAND_SOCKET_PATH: socket };
  await assert.rejects(promisify(execFile)('setpriv', [...ids, ...pointing('1')], { env }), /Permission denied/);
});

test('without a compositor an app that wants a display is refused with the command that brings one', async () => {
  await using tools = await troubledTools();
  await using daemon = await startDaemon({ tools: tools.directory });
  const { client } = daemon;
  const id = uniqueId('none');
  const error = await refusal(client.run(hostApp(id, SLEEP, { display: SIZE })), 'DISPLAY_FAILED');
  assert.match(error.next ?? '', /npm run setup/);
  const optional = await runApp(client, 'optional', SLEEP, { display: { ...SIZE, required: false } });
  assert.equal((await infoOf(client, optional)).display, null);
  await refusal(client.getScreenshot({ appInstanceId: optional }), 'NOT_SUPPORTED');
});
