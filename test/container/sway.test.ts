/** The embedded displays by themselves: real compositors, real clients, no containers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { cp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import type { AppInstanceId } from '../../src/domain/ids.ts';
import type { DisplayControls, DisplayEvent } from '../../src/ports/displays.ts';
import { isAlive } from '../lib/machine.ts';
import { readPng } from '../lib/png.ts';
import { BUNDLE, swayBox, wait, type SwayBox } from '../lib/sway-box.ts';
import { until } from '../lib/until.ts';

const A = 'a' as AppInstanceId;
const ORANGE = 'ff8000';
const BLACK = '000000';

const colourAt = async (displays: DisplayControls, id = A): Promise<string> => {
  const { width, height, pixel } = readPng(await displays.screenshot(id, wait()));
  return pixel(width >> 1, height >> 1);
};

const untilColour = (displays: DisplayControls, colour: string, id = A) =>
  until(async () => (await colourAt(displays, id)) === colour, { what: `${id} shows ${colour}` });

const lines = (client: ChildProcess): string[] => {
  const said: string[] = [];
  if (client.stdout !== null) createInterface(client.stdout).on('line', (line) => said.push(line));
  return said;
};

function heard(displays: DisplayControls): DisplayEvent[] {
  const events: DisplayEvent[] = [];
  displays.watch((_id, event) => events.push(event));
  return events;
}

const recordOf = async (box: SwayBox, name: string) =>
  JSON.parse(await readFile(join(box.directory, 'displays', name, 'record.json'), 'utf8')) as {
    readonly process: { readonly pid: number };
  };

test("a display is the app's own, answers, and leaves nothing", async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const place = await displays.createDisplay(box.order('a'), wait());
  assert.deepEqual(place, displays.placeOf(A, 'host'));
  assert.equal(place.displayName, 'wst-a');
  const [directory, socket] = [statSync(dirname(place.socket)), statSync(place.socket)];
  assert.deepEqual([directory.mode & 0o777, directory.uid, directory.gid], [0o700, box.uid, box.uid]);
  assert.deepEqual([socket.isSocket(), socket.mode & 0o777, socket.uid, socket.gid], [true, 0o600, box.uid, box.uid]);
  const { process } = await recordOf(box, 'wst-a');
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\t${box.uid}\\t${box.uid}\\t${box.uid}\\t`, 'm'));
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(await readFile(`/proc/${process.pid}/cgroup`, 'utf8'), /\/display-wst-a$/m);
  await displays.destroyDisplay(A, wait());
  assert(!isAlive(process.pid));
  assert.equal(existsSync(dirname(dirname(place.socket))), false);
  await displays.destroyDisplay(A, wait());
});

test('a window fills the screen, and its pixels are in the picture', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const events = heard(displays);
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  assert.equal(await colourAt(displays), BLACK);
  const said = lines(box.client(socket, ORANGE));
  await untilColour(displays, ORANGE);
  const picture = readPng(await displays.screenshot(A, wait()));
  assert.deepEqual([picture.width, picture.height], [640, 360]);
  assert.deepEqual(
    [picture.pixel(0, 0), picture.pixel(639, 0), picture.pixel(0, 359), picture.pixel(639, 359)],
    [ORANGE, ORANGE, ORANGE, ORANGE],
  );
  assert.deepEqual(events, ['connected', 'ready']);
  await displays.resize(A, { width: 320, height: 200 }, wait());
  await until(() => said.includes('shown 320x200'), { what: 'the app follows the new size' });
  await until(async () => readPng(await displays.screenshot(A, wait())).width === 320, { what: 'the picture, too' });
});

test('a program that is connected is told of before it draws, and one that takes pictures is not', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const events = heard(displays);
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  assert.equal(await colourAt(displays), BLACK);
  const idle = box.client(socket, 'idle');
  await until(() => events.length > 0, { what: 'the client is noticed' });
  assert.deepEqual(events, ['connected']);
  idle.kill();
  box.client(socket, ORANGE);
  await untilColour(displays, ORANGE);
  assert.deepEqual(events, ['connected', 'ready']);
});

test('a hidden display shows nothing, and a window that opens meanwhile stays hidden', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const events = heard(displays);
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  await displays.setVisible(A, false, wait());
  box.client(socket, ORANGE);
  await until(() => events.includes('ready'), { what: 'the window is there' });
  assert.equal(await colourAt(displays), BLACK);
  await displays.setVisible(A, true, wait());
  await untilColour(displays, ORANGE);
  await displays.setVisible(A, false, wait());
  await untilColour(displays, BLACK);
});

test('a killed client is gone, and the display goes on', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const events = heard(displays);
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  const client = box.client(socket, ORANGE);
  await until(() => events.includes('ready'), { what: 'the window is there' });
  client.kill('SIGKILL');
  await until(() => events.includes('gone'), { what: 'its end is told' });
  box.client(socket, '0000ff');
  await untilColour(displays, '0000ff');
  assert.deepEqual(events, ['connected', 'ready', 'gone', 'ready']);
});

test('a killed compositor is told, and its app ends by itself', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const events = heard(displays);
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  const client = box.client(socket, ORANGE);
  const ended = once(client, 'exit');
  await until(() => events.includes('ready'), { what: 'the window is there' });
  process.kill((await recordOf(box, 'wst-a')).process.pid, 'SIGKILL');
  await until(() => events.includes('died'), { what: 'the death is told' });
  // it hears of it when it reads (3), or writes (SIGPIPE)
  assert.match(String(await ended), /^(3,|,SIGPIPE)$/);
  await assert.rejects(displays.setVisible(A, false, wait()), { code: 'DISPLAY_FAILED' });
  await displays.destroyDisplay(A, wait());
  await displays.createDisplay(box.order('a'), wait());
});

test('another user cannot reach a display', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const { socket } = await displays.createDisplay(box.order('a'), wait());
  const stranger = box.client(socket, ORANGE, box.uid + 1);
  const ended = once(stranger, 'exit');
  let words = '';
  stranger.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
  assert.notDeepEqual(await ended, [0, null]);
  assert.match(words, /Permission denied/);
});

test('the next daemon adopts a display with its windows', async () => {
  await using box = await swayBox();
  const first = box.displays();
  const told = heard(first);
  const { socket } = await first.createDisplay(box.order('a'), wait());
  const client = box.client(socket, ORANGE);
  await until(() => told.includes('ready'), { what: 'the window is there' });
  await first.close();
  const second = box.displays();
  const events = heard(second);
  assert.equal(await second.adopt(box.order('a'), wait()), true);
  assert.equal(await colourAt(second), ORANGE);
  client.kill('SIGKILL');
  await until(() => events.includes('gone'), { what: 'the end of a window of before is told' });
  assert.equal(await second.adopt(box.order('b'), wait()), false);
  assert.deepEqual(told, ['connected', 'ready']);
});

test('a display for a container is a directory of its own until the container brings it up', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  const order = { ...box.order('a'), placement: 'container' } as const;
  const place = await displays.createDisplay(order, wait());
  const { mode, uid } = statSync(dirname(place.socket));
  assert.deepEqual([mode & 0o777, uid, place.inside?.directory], [0o700, box.uid, dirname(place.socket)]);
  assert.equal(place.inside?.bundle, BUNDLE);
  // as it is there for a wake
  await writeFile(join(dirname(place.socket), 'mark'), '');
  await displays.createDisplay(order, wait());
  assert(existsSync(join(dirname(place.socket), 'mark')));
  await displays.destroyDisplay(A, wait());
  assert(!existsSync(dirname(place.socket)));
  assert.throws(() => box.displays('/nowhere').placeOf(A, 'container'), { code: 'DISPLAY_FAILED' });
});

test('a name that is in use is refused, and what is left over is not', async () => {
  await using box = await swayBox();
  const first = box.displays();
  await first.createDisplay(box.order('a'), wait());
  const second = box.displays();
  await assert.rejects(second.createDisplay(box.order('a'), wait()), {
    code: 'DISPLAY_FAILED',
    message: /in use/,
  });
  await first.close();
  const { process: sway } = await recordOf(box, 'wst-a');
  process.kill(sway.pid, 'SIGKILL');
  await until(() => !isAlive(sway.pid), { what: 'the compositor is dead' });
  await second.createDisplay(box.order('a'), wait());
});

test('a sweep takes away what belongs to nobody, also what was never written down', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  for (const id of ['a', 'b', 'c']) await displays.createDisplay(box.order(id), wait());
  await displays.close();
  const strays = await Promise.all(['wst-b', 'wst-c'].map((name) => recordOf(box, name)));
  // as after a kill -9 of the daemon between the start and the record
  await rm(join(box.directory, 'displays', 'wst-c', 'record.json'));
  const next = box.displays();
  assert.deepEqual([...(await next.sweep([A], wait()))].sort(), ['wst-b', 'wst-c']);
  for (const { process: sway } of strays) assert(!isAlive(sway.pid));
  assert.equal(await next.adopt(box.order('a'), wait()), true);
});

test('root follows no link that an app puts in place of its socket', async () => {
  await using box = await swayBox();
  const displays = box.displays();
  await displays.createDisplay(box.order('a'), wait());
  await displays.createDisplay(box.order('b', box.uid + 1), wait());
  await displays.close();
  const own = dirname(displays.placeOf(A, 'host').socket);
  await rm(join(own, 'ipc.sock'));
  await symlink(
    join(dirname(displays.placeOf('b' as AppInstanceId, 'host').socket), 'ipc.sock'),
    join(own, 'ipc.sock'),
  );
  // the limit is what ends it: it is tried until then, well before the signal
  await assert.rejects(box.displays().adopt(box.order('a'), { ...wait(), timeoutMs: 200 }), { code: 'TOOL_FAILED' });
});

test('without sway the refusal names the command that brings it', async () => {
  await using box = await swayBox();
  const displays = box.displays('/nowhere', '/nowhere');
  await assert.rejects(displays.createDisplay(box.order('a'), wait()), {
    code: 'DISPLAY_FAILED',
    next: /npm run setup.*apt install --no-install-recommends sway grim/,
  });
  assert.equal(existsSync(join(box.directory, 'displays', 'wst-a')), false);
});

test('a compositor that cannot start says why, and nothing is left', async () => {
  await using box = await swayBox();
  const bundle = join(box.directory, 'bundle');
  await cp(BUNDLE, bundle, { recursive: true });
  await rm(join(bundle, 'lib', 'libliftoff.so.0'));
  await assert.rejects(box.displays(bundle).createDisplay(box.order('a'), wait()), {
    code: 'DISPLAY_FAILED',
    message: /libliftoff/,
  });
  assert.equal(existsSync(join(box.directory, 'displays', 'wst-a')), false);
});
