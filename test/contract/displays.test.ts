/** The port Displays: one suite for every provider. A row of SUBJECTS each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, lstat, mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { externalDisplay } from '../../src/adapters/displays/external.ts';
import { noDisplays } from '../../src/adapters/displays/none.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { windowManager } from '../../src/adapters/rdk/window-manager.ts';
import { appInstanceId } from '../../src/domain/ids.ts';
import type { Displays } from '../../src/ports/displays.ts';
import { uniqueId } from '../lib/apps.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { swayBox } from '../lib/sway-box.ts';
import { thunderBox, wait, type ThunderBox } from '../lib/thunder-box.ts';
import { WINDOW_MANAGER, windowManagerPlugin, type WindowManagerPlugin } from '../lib/thunder-plugins.ts';
import { until } from '../lib/until.ts';

type Subject = AsyncDisposable & {
  readonly displays: Displays;
  /** Displays that are there, by instance. */
  readonly there: () => readonly string[];
};

type Rdk = Subject & { readonly box: ThunderBox; readonly plugin: WindowManagerPlugin; readonly directory: string };

async function rdk(callTimeoutMs = 10_000): Promise<Rdk> {
  const box = await thunderBox({ callTimeoutMs });
  const directory = join(box.directory, 'x');
  await mkdir(directory, { mode: 0o711 });
  const plugin = box.held.use(windowManagerPlugin(box.server, directory));
  const displays = windowManager({ thunder: box.thunder, directory, clock: systemClock });
  return {
    box,
    plugin,
    directory,
    displays,
    there: plugin.displays,
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

async function embedded(): Promise<Subject> {
  const box = await swayBox();
  const there = () => readdirSync(join(box.directory, 'displays')).map((name) => name.replace(/^wst-/, ''));
  return { displays: box.displays(), there, [Symbol.asyncDispose]: () => box[Symbol.asyncDispose]() };
}

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  "RDK's window manager": () => rdk(),
  embedded,
};

const UID = 41_001;
const newOrder = (name: string) => ({
  appInstanceId: appInstanceId(uniqueId(name)),
  uid: UID,
  gid: UID,
  placement: 'host' as const,
  size: null,
  capabilities: [],
});

async function client(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** wl_display.get_registry, and wl_registry.bind of the first global, which is wl_compositor where the rule depends on it. */
const BIND_COMPOSITOR = Buffer.concat([
  Buffer.from(Uint32Array.of(1, (12 << 16) | 1, 2, 2, (40 << 16) | 0, 1, 14).buffer),
  Buffer.from('wl_compositor\0\0\0'),
  Buffer.from(Uint32Array.of(1, 3).buffer),
]);

for (const [name, make] of Object.entries(SUBJECTS)) {
  test(`${name}: a display is where it was said, the app's own, and takes clients`, async () => {
    await using subject = await make();
    const order = newOrder('one');
    const place = subject.displays.placeOf(order.appInstanceId, 'host');
    assert.equal(place.displayName, `wst-${order.appInstanceId}`);
    assert.deepEqual(await subject.displays.createDisplay(order, wait()), place);
    const found = await lstat(place.socket);
    assert(found.isSocket());
    assert.deepEqual([found.uid, found.gid, found.mode & 0o777], [UID, UID, 0o600]);
    assert.deepEqual(subject.there(), [order.appInstanceId]);
    (await client(place.socket)).destroy();
  });

  test(`${name}: a display is given back, used or not, once or twice, and can be made again`, async () => {
    await using subject = await make();
    const { displays, there } = subject;
    const order = newOrder('again');
    await displays.destroyDisplay(order.appInstanceId, wait());
    for (const isUsed of [false, true, false]) {
      const { socket } = await displays.createDisplay(order, wait());
      if (isUsed) (await client(socket)).destroy();
      await displays.destroyDisplay(order.appInstanceId, wait());
      await displays.destroyDisplay(order.appInstanceId, wait());
      assert(!existsSync(socket));
      assert.deepEqual(there(), []);
    }
  });

  test(`${name}: a display that programs are connected to goes with the app, whatever they have bound`, async () => {
    await using subject = await make();
    const { displays, there } = subject;
    const order = newOrder('used');
    const { socket } = await displays.createDisplay(order, wait());
    // one that draws, and one that has only looked
    const [drawing, looking] = [await client(socket), await client(socket)];
    drawing.write(BIND_COMPOSITOR);
    looking.write(BIND_COMPOSITOR.subarray(0, 12));
    await Promise.all([once(drawing, 'data'), once(looking, 'data')]);
    looking.destroy();
    await displays.destroyDisplay(order.appInstanceId, wait());
    assert(!existsSync(socket));
    assert.deepEqual(there(), []);
    drawing.destroy();
    await displays.createDisplay(order, wait());
    assert.deepEqual(there(), [order.appInstanceId]);
  });

  test(`${name}: a taken name is an error, and who has it keeps it`, async () => {
    await using subject = await make();
    const { displays, there } = subject;
    const order = newOrder('taken');
    const { socket } = await displays.createDisplay(order, wait());
    const app = await client(socket);
    await helpfulRefusal(displays.createDisplay(order, wait()), 'DISPLAY_FAILED', /is there already/);
    // as the manager does after a start that failed, and again when it could not write that
    for (const _again of [1, 2]) await displays.destroyDisplay(order.appInstanceId, wait());
    assert(existsSync(socket));
    assert.deepEqual(there(), [order.appInstanceId]);
    app.destroy();
  });

  test(`${name}: each app has its own, and one that goes leaves the others`, async () => {
    await using subject = await make();
    const { displays, there } = subject;
    const [one, other] = [newOrder('a'), newOrder('b')];
    await Promise.all([displays.createDisplay(one, wait()), displays.createDisplay(other, wait())]);
    await displays.destroyDisplay(one.appInstanceId, wait());
    assert.deepEqual(there(), [other.appInstanceId]);
  });

  test(`${name}: long and strange ids have displays, too`, async () => {
    await using subject = await make();
    for (const id of [`:${'x'.repeat(200)}`, '..']) {
      const order = { ...newOrder('x'), appInstanceId: appInstanceId(id) };
      const { socket } = await subject.displays.createDisplay(order, wait());
      assert((await lstat(socket)).isSocket());
      await subject.displays.destroyDisplay(order.appInstanceId, wait());
    }
  });

  test(`${name}: a stopped wait ends at once, and nothing is left after it is given back`, async () => {
    await using subject = await make();
    const { displays, there } = subject;
    const order = newOrder('stopped');
    const stop = new AbortController();
    const making = displays.createDisplay(order, { ...wait(), signal: stop.signal });
    stop.abort();
    await refusal(making, 'ABORTED');
    await displays.destroyDisplay(order.appInstanceId, wait());
    assert.deepEqual(there(), []);
  });
}

test('a machine without displays refuses them, and has nothing to give back', async () => {
  const order = newOrder('none');
  assert.equal(noDisplays.offered, false);
  assert.throws(() => noDisplays.placeOf(order.appInstanceId, 'host'), /no display can be made/);
  await helpfulRefusal(noDisplays.createDisplay(order, wait()), 'DISPLAY_FAILED', /no display/);
  await noDisplays.destroyDisplay(order.appInstanceId, wait());
});

test('an external display is one for all, must be there, and stays', async () => {
  await using box = await swayBox();
  const own = box.displays();
  const order = newOrder('external');
  const { socket } = own.placeOf(order.appInstanceId, 'host');
  const displays = externalDisplay(socket);
  await helpfulRefusal(displays.createDisplay(order, wait()), 'DISPLAY_FAILED', /there is no socket/);
  await own.createDisplay(order, wait());
  const others = [newOrder('one'), newOrder('two')];
  for (const other of others) assert.equal((await displays.createDisplay(other, wait())).socket, socket);
  for (const { appInstanceId: id } of others) await displays.destroyDisplay(id, wait());
  (await client(socket)).destroy();
});

test("RDK's window manager is asked in the words of upstream's connector", async () => {
  await using subject = await rdk();
  const order = newOrder('words');
  const { appInstanceId: clientId } = order;
  const size = { width: 1280, height: 720 };
  await subject.displays.createDisplay({ ...order, size, capabilities: ['60hz', 'suspendable'] }, wait());
  const displayName = `wst-${clientId}`;
  const [displayWidth, displayHeight] = [1280, 720];
  const virtual = { virtualDisplay: false, virtualWidth: 0, virtualHeight: 0 };
  const owner = { ownerId: UID, groupId: UID, topmost: false, focus: false };
  assert.deepEqual(subject.plugin.asked, [
    { clientId, displayName, displayWidth, displayHeight, ...virtual, ...owner, capabilities: '60hz,suspendable' },
  ]);
});

test("RDK's window manager that refuses, does not run, is not there or hangs is an error in time, for one app only", async () => {
  await using subject = await rdk(300);
  const { box, plugin, displays, directory } = subject;
  const other = newOrder('other');
  await displays.createDisplay(other, wait());
  box.server.plugins.set(WINDOW_MANAGER, { active: true, methods: { createDisplay: () => ({ success: false }) } });
  await helpfulRefusal(displays.createDisplay(newOrder('f'), wait()), 'DISPLAY_FAILED', /gave no reason/);
  box.server.plugins.set(WINDOW_MANAGER, { active: true, methods: { createDisplay: () => null } });
  await helpfulRefusal(displays.createDisplay(newOrder('g'), wait(100)), 'DISPLAY_FAILED', /did not appear/);
  box.server.setActive(WINDOW_MANAGER, false);
  await helpfulRefusal(displays.createDisplay(newOrder('i'), wait()), 'DISPLAY_FAILED', /not active/);
  box.server.plugins.delete(WINDOW_MANAGER);
  await helpfulRefusal(displays.createDisplay(newOrder('m'), wait()), 'DISPLAY_FAILED', /Could not access/);
  box.server.plugins.set(WINDOW_MANAGER, plugin.plugin);
  plugin.plugin.active = true;
  const hold = Promise.withResolvers<undefined>();
  plugin.hold = hold.promise;
  const late = newOrder('late');
  await helpfulRefusal(displays.createDisplay(late, wait()), 'DISPLAY_FAILED', /did not answer/);
  hold.resolve(undefined);
  await until(() => plugin.displays().length === 2, { what: 'the display is made, too late' });
  await displays.destroyDisplay(late.appInstanceId, wait());
  await box.server.stop();
  await helpfulRefusal(displays.createDisplay(newOrder('gone'), wait()), 'DISPLAY_FAILED', /cannot be reached/);
  assert.deepEqual(readdirSync(directory), [`wst-${other.appInstanceId}`]);
});

test("RDK's window manager: a stale socket is removed, anything else at its place is refused and stays", async () => {
  await using subject = await rdk();
  const { displays, box } = subject;
  const order = newOrder('squat');
  const { socket } = displays.placeOf(order.appInstanceId, 'host');
  box.server.plugins.set(WINDOW_MANAGER, {
    active: true,
    methods: {
      createDisplay: async () => {
        await writeFile(socket, '');
        await chown(socket, UID, UID);
        return null;
      },
    },
  });
  await refusal(displays.createDisplay(order, wait()), 'DISPLAY_FAILED', /not a socket of its own/);
  await displays.destroyDisplay(order.appInstanceId, wait());
  assert(existsSync(socket));
});
