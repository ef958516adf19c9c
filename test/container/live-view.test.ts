/** Displays looked at live, by the daemon's WebSocket. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { inWords, eventsOf, outputOf, runApp, SLEEP, untilSays } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { commandLine, processesOfUser } from '../lib/machine.ts';
import { refusal } from '../lib/refusal.ts';
import { openView, viewer, type Viewer } from '../lib/rfb.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { runDrawing, untilColour } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const ORANGE = 'ff8000';
const LIMIT_MS = 20_000;
/** Letters as X11 names them, and what the kernel calls their keys (linux/input-event-codes.h). */
const A = { keysym: 0x61, code: 30 };
const B = { keysym: 0x62, code: 48 };

async function listening() {
  const address = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({ args: ['--listen', address] });
  const read = async (path: string) => (await readFile(path, 'utf8')).trim();
  return {
    daemon,
    base: `http://${address}`,
    control: await read(daemon.places.token),
    observe: await read(daemon.places.observeToken),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const wayvncOf = async ({ client }: TestDaemon, appInstanceId: string): Promise<number | undefined> => {
  const { uid } = await client.getInfo({ appInstanceId });
  return processesOfUser(uid).find((pid) => commandLine(pid).some((word) => word.endsWith('/wayvnc')));
};

/** Neither process nor directory nor control group. */
const untilNobodyLooks = (daemon: TestDaemon, id: string): Promise<true> =>
  until(
    async () =>
      (await wayvncOf(daemon, id)) === undefined && daemon.traces().every((trace) => !trace.includes('view-wst')),
    { what: 'no view is left', timeoutMs: LIMIT_MS },
  );

const untilViewed = (looking: Viewer, colour: string): Promise<true> =>
  until(async () => (await looking.colour()) === colour, { what: `${colour} is seen`, timeoutMs: LIMIT_MS });

type Typing = { readonly daemon: TestDaemon; readonly id: string; readonly looking: Viewer };

/** The first key of a keyboard that is new may come before the app has it. */
const untilTyped = ({ daemon, id, looking }: Typing, { keysym, code }: typeof A): Promise<true> =>
  until(
    async () => {
      looking.key(keysym);
      return (await outputOf(daemon.client, id)).includes(`key ${code}`);
    },
    { what: 'the app gets a key', timeoutMs: LIMIT_MS, pollMs: 100 },
  );

for (const placement of ['host', 'container'] as const) {
  const display = { width: 320, height: 200, placement };

  test(`${placement}: a viewer sees an app's pixels and types into it; an observer cannot; the last one leaves nothing`, async () => {
    await using at = await listening();
    const { daemon, base } = at;
    const id = await runDrawing(daemon.client, ORANGE, { display });
    const url = `${base}/view/${id}`;
    assert.deepEqual(await daemon.client.getView({ appInstanceId: id }), { path: `/view/${id}`, url });
    {
      await using observer = await viewer(base, id, at.observe);
      assert.equal(observer.socket.protocol, 'rfb.observe');
      assert.equal(observer.size, '320x200');
      await untilViewed(observer, ORANGE);
      for (let times = 0; times < 20; times++) observer.key(A.keysym);
      // answered after what came before it
      await observer.colour();
      await using controller = await viewer(base, id, at.control);
      assert.equal(controller.socket.protocol, 'rfb.control');
      await untilViewed(controller, ORANGE);
      await untilTyped({ daemon, id, looking: controller }, B);
      assert(!(await outputOf(daemon.client, id)).includes(`key ${A.code}`), 'nothing of the observer');
      const wayvnc = (await wayvncOf(daemon, id)) ?? assert.fail('nobody serves the view');
      const status = await readFile(`/proc/${wayvnc}/status`, 'utf8');
      assert.match(status, /^CapBnd:\t0+$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(await readFile(`/proc/${wayvnc}/cgroup`, 'utf8'), new RegExp(`/display-view-wst-${id}$`, 'm'));
    }
    await untilNobodyLooks(daemon, id);
    await using again = await viewer(base, id, at.control);
    await daemon.client.kill({ appInstanceId: id });
    await until(() => again.closed, { what: 'the view ends with the app', timeoutMs: LIMIT_MS });
    assert.equal(again.closed?.code, 4001);
    await untilNobodyLooks(daemon, id);
  });
}

test('an app that is viewed hibernates, and its viewer comes back after the wake', async () => {
  await using at = await listening();
  const { daemon, base, control } = at;
  const { client } = daemon;
  const id = await runDrawing(client, ORANGE);
  await using before = await viewer(base, id, control);
  await untilTyped({ daemon, id, looking: before }, A);
  assert.equal((await client.explainHibernation({ appInstanceId: id })).possible, 'yes');
  await until(() => before.closed, { what: 'the view is let go' });
  await using next = await viewer(base, id, control);
  await client.hibernate({ appInstanceId: id });
  await until(() => next.closed, { what: 'the view is let go' });
  const asleep = await openView(base, id, control);
  assert(typeof asleep !== 'number');
  await using refused = asleep;
  await assert.rejects(refused.greet(), /closed: 4001 .*is HIBERNATED/);
  await client.wake({ appInstanceId: id });
  await using after = await viewer(base, id, control);
  await untilViewed(after, ORANGE);
  await untilTyped({ daemon, id, looking: after }, B);
  await client.suspend({ appInstanceId: id });
  await until(() => after.closed, { what: 'no input reaches a frozen app' });
  await untilNobodyLooks(daemon, id);
  assert(!inWords(await eventsOf(client, id)).includes('displayDied'));
});

test('a view needs a token, a display and a program; a daemon that is killed leaves none', async () => {
  await using at = await listening();
  const { daemon, base, control } = at;
  const id = await runDrawing(daemon.client, ORANGE);
  await untilSays(daemon.client, id, 'shown 320x200');
  assert.equal(await openView(base, id), 403);
  assert.equal(await openView(base, id, 'wrong'), 403);
  const plain = await runApp(daemon.client, 'plain', SLEEP);
  await refusal(daemon.client.getView({ appInstanceId: plain }), 'NOT_SUPPORTED');
  for (const [name, reason] of [
    [plain, /closed: 4002 .*has no display/],
    ['nobody', /closed: 4002 /],
  ] as const) {
    const opened = await openView(base, name, control);
    assert(typeof opened !== 'number');
    await using looking = opened;
    await assert.rejects(looking.greet(), reason);
  }
  {
    await using looking = await viewer(base, id, control);
    await untilViewed(looking, ORANGE);
    await daemon.kill9();
  }
  await daemon.start();
  await untilNobodyLooks(daemon, id);
  await using looking = await viewer(base, id, control);
  await untilViewed(looking, ORANGE);
});

test('the command line says where to look, and what to do where that is not possible', async () => {
  await using at = await listening();
  const { daemon, base, control } = at;
  const id = await runDrawing(daemon.client, ORANGE);
  assert.equal((await runtimectl(['view', id], daemon)).stdout, `${base}/view/${id}\n`);
  const withToken = await runtimectl(['view', id, '--with-token', '--json'], daemon);
  assert.deepEqual(JSON.parse(withToken.stdout), { url: `${base}/view/${id}#token=${control}` });
  await daemon.restart([]);
  const without = await runtimectl(['view', id], daemon);
  assert.deepEqual([without.code, without.stdout], [6, '']);
  assert.match(without.stderr, /does not listen by TCP.*\n *next: start it with --listen/);
});

test('without wayvnc everything else works, and who wants to look is told what brings it', async () => {
  await using tools = await toolsWithoutViewer();
  await using daemon = await startDaemon({ tools: tools.directory });
  const id = await runDrawing(daemon.client, ORANGE, { display: { width: 320, height: 200, placement: 'host' } });
  await untilColour(daemon.client, id, ORANGE);
  const { next } = await refusal(daemon.client.getView({ appInstanceId: id }), 'NOT_SUPPORTED');
  assert.match(next ?? '', /npm run setup.* apt install --no-install-recommends wayvnc/);
});

/** The tools and the compositor, and nothing else beside them. */
async function toolsWithoutViewer(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-tools-'));
  await symlink(TOOLS, join(directory, 'bin'));
  await symlink(join(dirname(TOOLS), 'display'), join(directory, 'display'));
  return { directory: join(directory, 'bin'), [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
