/** One screen for all apps: a real compositor without a real screen, on which the apps' displays are windows. */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import type { ContainerId } from '../../src/domain/ids.ts';
import { findCompositor } from '../../src/adapters/sway/compositor.ts';
import { takePicture } from '../../src/adapters/sway/screenshot.ts';
import type { Client } from '../../src/client/node.ts';
import { exitOf } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { commandLine, processesOfUser } from '../lib/machine.ts';
import { readPng } from '../lib/png.ts';
import { refusal } from '../lib/refusal.ts';
import { colourOf, runDrawing, SIZE, untilColour } from '../lib/screens.ts';
import { BUNDLE, SEARCH_PATH, wait } from '../lib/sway-box.ts';
import { until } from '../lib/until.ts';

const ORANGE = 'ff8000';
const BLUE = '0000ff';
const GREEN = '00ff00';
const BLACK = '000000';
const SMALL = { width: 100, height: 80 };

type Device = AsyncDisposable & { readonly daemon: TestDaemon; readonly client: Client; readonly user: number };

async function startDevice(): Promise<Device> {
  const user = 3_000_000 + process.pid;
  const parent = { backend: 'headless', ...SIZE, uid: user };
  const daemon = await startDaemon({ config: { displays: { parent } } });
  return {
    daemon,
    user,
    get client() {
      return daemon.client;
    },
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      assert.deepEqual(processesOfUser(user), [], 'the screen ends with the daemon when no app is left');
    },
  };
}

/** In the corner and in the middle of the screen. */
async function seen({ client, user }: Device): Promise<readonly string[]> {
  const [one] = await client.list({});
  assert(one !== undefined);
  const { display } = await client.getInfo({ appInstanceId: one.appInstanceId });
  const directory = join(dirname(display?.socket ?? ''), '../../screen/own');
  const compositor = findCompositor({ bundle: BUNDLE, searchPath: SEARCH_PATH });
  const group = 'seen' as ContainerId;
  const screen = { directory, socketName: 'wayland-1', user: { uid: user, gid: user }, group, sizes: undefined };
  const groups = { prepare: () => [] };
  const picture = await takePicture({ runTool: toolRunner({ PATH: SEARCH_PATH }), compositor, groups }, screen, wait());
  const { width, height, pixel } = readPng(picture);
  assert.deepEqual([width, height], [SIZE.width, SIZE.height]);
  return [pixel(2, 2), pixel(width >> 1, height >> 1)];
}

async function untilSeen(device: Device, ...wanted: readonly [corner: string, middle: string]): Promise<void> {
  let found: readonly string[] = [];
  const isSo = async (): Promise<boolean> => (found = await seen(device)).join() === wanted.join();
  await until(isSo, { what: `${wanted.join()} is seen` }).catch((cause: unknown) => {
    throw new Error(`${found.join()} is seen`, { cause });
  });
}

test('the screen shows the app with the focus, those with a higher z-order in front of it, and no hidden or suspended one', async () => {
  await using device = await startDevice();
  const { client } = device;
  const one = await runDrawing(client, ORANGE, { display: {} });
  await untilSeen(device, ORANGE, ORANGE);
  const other = await runDrawing(client, BLUE, { display: {} });
  await untilColour(client, other, BLUE);
  await untilSeen(device, ORANGE, ORANGE);
  await client.setFocus({ appInstanceId: other });
  await untilSeen(device, BLUE, BLUE);
  const small = await runDrawing(client, GREEN, { display: SMALL });
  await untilColour(client, small, GREEN);
  await untilSeen(device, BLUE, BLUE);
  await client.setZOrder({ appInstanceId: small, zOrder: 1 });
  await untilSeen(device, BLUE, GREEN);
  assert.equal((await client.getInfo({ appInstanceId: other })).display?.focused, true);
  await client.setFocus({ appInstanceId: one });
  await untilSeen(device, ORANGE, GREEN);
  await client.setVisible({ appInstanceId: small, visible: false });
  await untilSeen(device, ORANGE, ORANGE);
  await client.suspend({ appInstanceId: one });
  await untilSeen(device, BLUE, BLUE);
  assert.equal(await colourOf(client, one), ORANGE, 'its last picture');
  await client.setFocus({ appInstanceId: small });
  await client.setVisible({ appInstanceId: small, visible: true });
  await client.resizeDisplay({ appInstanceId: small, width: 60, height: 40 });
  await untilSeen(device, BLUE, GREEN);
  await client.kill({ appInstanceId: small });
  await client.kill({ appInstanceId: other });
  await untilSeen(device, BLACK, BLACK);
  await client.resume({ appInstanceId: one });
  await untilSeen(device, ORANGE, ORANGE);
});

test('the screen outlives the daemon, and its death takes the apps that were seen on it, and no others', async () => {
  await using device = await startDevice();
  const { daemon } = device;
  const one = await runDrawing(device.client, ORANGE, { display: {} });
  const other = await runDrawing(device.client, BLUE, { display: {} });
  const apart = await runDrawing(device.client, GREEN, { display: { ...SIZE, placement: 'container' } });
  const error = await refusal(device.client.setFocus({ appInstanceId: apart }), 'NOT_SUPPORTED');
  assert.match(error.next ?? '', /placement host/);
  await untilSeen(device, ORANGE, ORANGE);
  await daemon.kill9();
  await daemon.start();
  await untilSeen(device, ORANGE, ORANGE);
  await device.client.setFocus({ appInstanceId: other });
  await untilSeen(device, BLUE, BLUE);
  const [screen] = processesOfUser(device.user).filter((pid) =>
    commandLine(pid).some((word) => word.endsWith('/bin/sway')),
  );
  assert(screen !== undefined);
  process.kill(screen, 'SIGKILL');
  for (const id of [one, other]) assert.equal((await exitOf(device.client, id)).cause, 'display-died');
  await untilColour(device.client, apart, GREEN);
  const next = await runDrawing(device.client, BLUE, { display: {} });
  await device.client.kill({ appInstanceId: apart });
  await untilSeen(device, BLUE, BLUE);
  await device.client.kill({ appInstanceId: next });
});
