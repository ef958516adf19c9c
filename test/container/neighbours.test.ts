/** Apps whose display and storage come from plugins of Thunder, on a real daemon. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AppInput } from '../../src/client/node.ts';
import { eventsOf, exitOf, hostApp, perl, runApp, SLEEP, uniqueId, untilSays } from '../lib/apps.ts';
import { countOf, goesOn } from '../lib/counters.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { runCounter } from '../lib/sleepers.ts';
import { storageManagerPlugin, windowManagerPlugin, type WindowManagerPlugin } from '../lib/thunder-plugins.ts';
import { ThunderServer } from '../lib/thunder-server.ts';
import { troubledTools } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

type Device = AsyncDisposable & {
  readonly daemon: TestDaemon;
  readonly server: ThunderServer;
  readonly windows: WindowManagerPlugin;
  /** Where the window manager has its sockets, the storage manager its directories. */
  readonly sockets: string;
  readonly storage: string;
};

type Wanted = { readonly getStorage?: boolean; readonly callTimeoutMs?: number; readonly tools?: string };

async function startDevice({ getStorage = false, callTimeoutMs = 20_000, tools }: Wanted = {}): Promise<Device> {
  await using made = new AsyncDisposableStack();
  const base = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  made.defer(() => rm(base, { recursive: true }));
  const [sockets, storage] = [join(base, 'x'), join(base, 's')];
  for (const path of [sockets, storage]) await mkdir(path, { mode: 0o711 });
  await chmod(base, 0o711);
  const server = made.use(await new ThunderServer().start());
  const windows = made.use(windowManagerPlugin(server, sockets));
  storageManagerPlugin(server, { directory: storage, getStorage });
  const config = {
    displays: { provider: 'rdk', directory: sockets },
    storage: { provider: 'rdk' },
    thunder: { url: server.url, callTimeoutMs },
  };
  const options: DaemonOptions = { config, ...(tools !== undefined && { tools }) };
  const daemon = made.use(await startDaemon(options));
  const held = made.move();
  return { daemon, server, windows, sockets, storage, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const SCREEN: Partial<AppInput> = { display: { width: 1280, height: 720 } };

/** Says what it finds of its display, and stays connected. */
const CLIENT = perl(
  'use Socket; $| = 1; my $d = $ENV{XDG_RUNTIME_DIR}; printf "%s %04o %d\\n", $d, (stat $d)[2] & 07777, (stat $d)[4] == $>; ' +
    'socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; connect($s, sockaddr_un("$d/$ENV{WAYLAND_DISPLAY}")) or die "$!"; ' +
    'print "connected\\n"; sleep 1 while 1',
);

test('an app with a display finds it where its environment says, and it is gone with the app', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets } = device;
  const { client } = daemon;
  const id = await runApp(client, 'drawing', CLIENT, SCREEN);
  await untilSays(client, id, 'connected');
  await untilSays(client, id, '/run/user 0700 1');
  assert.deepEqual(windows.displays(), [id]);
  const info = await client.getInfo({ appInstanceId: id });
  assert.deepEqual(info.display, {
    ...{ displayName: `wst-${id}`, socket: join(sockets, `wst-${id}`) },
    ...{ visible: true, focused: false, zOrder: 0, width: 1280, height: 720 },
  });
  assert.equal(windows.asked[0]?.['ownerId'], info.uid);
  // the next daemon goes on with it
  await daemon.kill9();
  await daemon.start();
  assert.deepEqual(windows.displays(), [id]);
  await daemon.client.kill({ appInstanceId: id });
  assert.deepEqual(windows.displays(), []);
  assert.deepEqual(readdirSync(sockets), []);
  await checkHouse(daemon);
});

test('a start that fails gives the display back, also one that nobody has used', async () => {
  await using tools = await troubledTools();
  await using device = await startDevice({ tools: tools.directory });
  const { daemon, windows, sockets } = device;
  const appInstanceId = uniqueId('failing');
  await tools.fail('create', appInstanceId, 'no such luck');
  await refusal(daemon.client.run(hostApp(appInstanceId, SLEEP, SCREEN)), 'START_FAILED', /no such luck/);
  assert.equal(windows.asked.length, 1);
  await until(() => windows.displays().length === 0, { what: 'the display is given back' });
  assert.deepEqual(readdirSync(sockets), []);
  await checkHouse(daemon);
});

test('a daemon that is killed while a display is made gives it back at its next start', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets } = device;
  const hold = Promise.withResolvers<undefined>();
  windows.hold = hold.promise;
  const appInstanceId = uniqueId('cut');
  const run = daemon.client.run(hostApp(appInstanceId, SLEEP, SCREEN)).catch(() => undefined);
  await until(() => windows.asked.length === 1, { what: 'the display is asked for' });
  await daemon.kill9();
  await run;
  hold.resolve(undefined);
  await until(() => windows.displays().length === 1, { what: 'the display is made, for nobody' });
  await daemon.start();
  assert.equal((await exitOf(daemon.client, appInstanceId)).cause, 'start-interrupted');
  await until(() => readdirSync(sockets).length === 0, { what: 'the display is given back' });
  assert.deepEqual(windows.displays(), []);
  await checkHouse(daemon);
});

test('a kill while a display is made ends the start, and nothing stays', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets } = device;
  const hold = Promise.withResolvers<undefined>();
  windows.hold = hold.promise;
  const appInstanceId = uniqueId('killed');
  const run = daemon.client.run(hostApp(appInstanceId, SLEEP, SCREEN)).then(
    () => 'it ran',
    () => 'refused',
  );
  await until(() => windows.asked.length === 1, { what: 'the display is asked for' });
  const kill = daemon.client.kill({ appInstanceId });
  assert.equal((await exitOf(daemon.client, appInstanceId)).cause, 'killed');
  hold.resolve(undefined);
  await kill;
  assert.equal(await run, 'refused');
  assert.deepEqual([windows.displays(), readdirSync(sockets)], [[], []]);
  await checkHouse(daemon);
});

test('a hibernated app has no display, a woken one has another, and a wake without one leaves it asleep', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets, server } = device;
  const { client } = daemon;
  const { id: appInstanceId } = await runCounter(client, { extra: SCREEN });
  assert.deepEqual(windows.displays(), [appInstanceId]);
  let count = await countOf(client, appInstanceId);
  await client.hibernate({ appInstanceId });
  await until(() => windows.displays().length === 0, { what: 'the display is given back' });
  assert.equal((await client.getInfo({ appInstanceId })).display, null);
  const { active } = windows.plugin;
  windows.plugin.active = false;
  await helpfulRefusal(client.wake({ appInstanceId }), 'DISPLAY_FAILED', /not active/);
  windows.plugin.active = active;
  assert.equal((await client.getInfo({ appInstanceId })).state, 'HIBERNATED');
  await client.wake({ appInstanceId });
  assert.deepEqual(windows.displays(), [appInstanceId]);
  count = await goesOn(client, appInstanceId, count);
  // and a daemon that is killed in between knows what to give back
  await client.hibernate({ appInstanceId });
  await daemon.kill9();
  await daemon.start();
  await until(() => readdirSync(sockets).length === 0, { what: 'the display is given back' });
  await daemon.client.wake({ appInstanceId });
  await goesOn(daemon.client, appInstanceId, count);
  assert.equal(server.connections, 1);
  await daemon.client.terminate({ appInstanceId });
  assert.deepEqual(readdirSync(sockets), []);
  await checkHouse(daemon);
});

test('a window manager that hangs costs the app that waits for it its start, in time, and no other app anything', async () => {
  await using device = await startDevice({ callTimeoutMs: 1500, getStorage: true });
  const { daemon, windows, sockets } = device;
  const { client } = daemon;
  windows.hold = new Promise(() => undefined);
  const appInstanceId = uniqueId('waiting');
  const run = helpfulRefusal(client.run(hostApp(appInstanceId, SLEEP, SCREEN)), 'DISPLAY_FAILED', /did not answer/);
  await until(() => windows.asked.length === 1, { what: 'the display is asked for' });
  windows.hold = Promise.resolve();
  await runApp(client, 'plain', SLEEP);
  const drawing = await runApp(client, 'drawing', SLEEP, SCREEN);
  assert.equal((await client.getInfo({ appInstanceId })).state, 'STARTING');
  await run;
  assert.equal((await exitOf(client, appInstanceId)).cause, 'start-failed');
  assert.deepEqual(readdirSync(sockets), [`wst-${drawing}`]);
});

test('a device whose Thunder is gone runs no app whose storage may be there, until it is back', async () => {
  await using device = await startDevice({ getStorage: true });
  const { daemon, server } = device;
  await runApp(daemon.client, 'before', SLEEP);
  await server.stop();
  const run = daemon.client.run(hostApp(uniqueId('after'), SLEEP));
  await helpfulRefusal(run, 'NEIGHBOUR_FAILED', /cannot be reached/);
  await server.start();
  await runApp(daemon.client, 'again', SLEEP);
});

test("an app's storage is the neighbour's, over runs, and where the neighbour hands out none it is ours", async () => {
  await using device = await startDevice({ getStorage: true });
  const { daemon, storage } = device;
  const appId = uniqueId('com.example.app');
  const first = await runApp(daemon.client, 'first', perl('open(F,">","/data/x") or die "$!"'), { appId });
  assert.equal((await exitOf(daemon.client, first)).code, 0);
  assert(existsSync(join(storage, appId, 'x')));
  const info = await daemon.client.getInfo({ appInstanceId: first });
  assert.equal(info.storage, join(storage, appId));
  assert.equal((await stat(info.storage)).uid, info.uid);
  storageManagerPlugin(device.server, { directory: storage, getStorage: false });
  const other = await runApp(daemon.client, 'other', perl('open(F,">","/data/x") or die "$!"'));
  assert.equal((await exitOf(daemon.client, other)).code, 0);
  assert(existsSync(join(daemon.places.apps, other, 'x')));
});

test('without displays an app that needs one is refused before anything is taken, any other runs', async () => {
  await using daemon = await startDaemon({ config: { displays: { provider: 'none' } } });
  const { client } = daemon;
  const appInstanceId = uniqueId('refused');
  await helpfulRefusal(client.run(hostApp(appInstanceId, SLEEP, SCREEN)), 'DISPLAY_FAILED', /no display can be made/);
  assert.deepEqual(await eventsOf(client, appInstanceId), []);
  const id = await runApp(client, 'modest', SLEEP, { display: { required: false } });
  assert.equal((await client.getInfo({ appInstanceId: id })).display, null);
});
