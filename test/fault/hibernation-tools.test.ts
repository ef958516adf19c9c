/** The tools are killed while an app falls asleep or wakes: it is as it was before, and the next attempt works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../src/domain/errors.ts';
import { eventsOf, inWords, untilState } from '../lib/apps.ts';
import { goesOn } from '../lib/counters.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { checkHouse, loopbackIsUp } from '../lib/house.ts';
import {
  checkAwake,
  checkSleepsAndWakes,
  helpersOf,
  infoOf,
  killNow,
  killWhenThere,
  runCounter,
  type CountingApp,
  type Helper,
} from '../lib/sleepers.ts';

const MIB = 2 ** 20;
// short: with CRIU killed, runc can wait until its time is over
const CONFIG = { hibernation: { timeoutMs: 3000, lazyPagesAboveBytes: 8 * MIB, compressAfterMs: 0 } };
/** So much that a dump takes a while. */
const LARGE = { kind: 'large', bytes: 64 * MIB } as const;
const DELAYS_MS = [0, 15, 50];

type Outcome = { readonly killed: boolean; readonly error: RuntimeError | undefined };

/** One operation, in which a helper is killed some time after it was seen. */
async function whileKilling(
  operation: Promise<unknown>,
  find: () => readonly number[],
  delayMs: number,
): Promise<Outcome> {
  let over = false;
  const settled = operation
    .then(
      () => undefined,
      (thrown: unknown) => {
        assert(thrown instanceof RuntimeError, String(thrown));
        return thrown;
      },
    )
    .finally(() => (over = true));
  const killed = await killWhenThere(find, () => over, delayMs);
  return { killed, error: await settled };
}

for (const helper of ['criu', 'runc checkpoint', 'conmon'] as const) {
  for (const state of ['RUNNING', 'SUSPENDED'] as const) {
    test(`${helper} killed during the dump of a ${state} app: it is as before, or asleep, or has ended and is said to have`, async () => {
      await using daemon = await startDaemon({ config: CONFIG });
      let app = await runCounter(daemon.client, LARGE);
      for (const delayMs of DELAYS_MS) {
        const count = await dumpKilling(daemon, app, { helper, state, delayMs });
        app = count === undefined ? await runCounter(daemon.client, LARGE) : { id: app.id, count };
      }
      await daemon.client.hibernate({ appInstanceId: app.id });
      await checkSleepsAndWakes(daemon, app);
      await checkHouse(daemon);
    });
  }
}

type Attempt = { readonly helper: Helper; readonly state: 'RUNNING' | 'SUSPENDED'; readonly delayMs: number };

/** Undefined when the app has ended by it: one in fifty does, when CRIU is killed while it lets the app call something for it. */
async function dumpKilling(daemon: TestDaemon, app: CountingApp, { helper, state, delayMs }: Attempt) {
  const { client } = daemon;
  const { id } = app;
  if (state === 'SUSPENDED') await client.suspend({ appInstanceId: id });
  // conmon is there all the time: the dump has begun when the runtime is at work
  const dumping = (): boolean => helpersOf(daemon, id, 'runc checkpoint').length > 0;
  const find = (): readonly number[] => (dumping() ? helpersOf(daemon, id, helper) : []);
  const { error } = await whileKilling(client.hibernate({ appInstanceId: id }), find, delayMs);
  if (error === undefined) return checkSleepsAndWakes(daemon, app);
  assert(error.code === 'CHECKPOINT_FAILED' || error.code === 'TIMED_OUT', error.message);
  if (helper === 'criu' && error.message.includes('was not hibernated and has ended')) {
    const { exit } = await infoOf(client, id);
    assert.equal(exit?.cause, 'checkpoint-died', JSON.stringify(exit));
    return undefined;
  }
  assert.match(error.message, new RegExp(`was not hibernated and is ${state} again`));
  assert.equal((await eventsOf(client, id)).at(-1)?.type, 'stateChanged');
  return checkAwake(daemon, app, state);
}

for (const helper of ['criu', 'runc restore', 'conmon'] as const) {
  test(`${helper} killed during a wake: the app sleeps on with its image, and the next wake works`, async () => {
    await using daemon = await startDaemon({ config: CONFIG });
    const { client } = daemon;
    let app = await runCounter(client, LARGE);
    const appInstanceId = app.id;
    for (const delayMs of DELAYS_MS) {
      await client.hibernate({ appInstanceId });
      const find = (): readonly number[] => helpersOf(daemon, app.id, helper);
      const { error } = await whileKilling(client.wake({ appInstanceId }), find, delayMs);
      if (error === undefined) {
        // too late to do harm to the wake itself
        await goesOnOrSleeps(daemon, app);
      } else {
        assert.equal(error.code, 'RESTORE_FAILED');
        assert.match(error.message, /was not woken; its image is kept/);
        await checkHouse(daemon);
        await checkSleepsAndWakes(daemon, app);
      }
      const { pid } = await infoOf(client, app.id);
      assert(loopbackIsUp(pid ?? assert.fail()));
      app = { id: app.id, count: await goesOn(client, app.id, app.count) };
    }
  });
}

async function goesOnOrSleeps(daemon: TestDaemon, app: CountingApp): Promise<void> {
  const { state } = await infoOf(daemon.client, app.id);
  if (state === 'HIBERNATED') await checkSleepsAndWakes(daemon, app);
  else await checkAwake(daemon, app, 'RUNNING');
}

/** Its page servers, held in the middle of their work: a quick one has brought all pages before anybody can look. */
async function wakeUntilSeen(daemon: TestDaemon, appInstanceId: string) {
  for (let attempt = 0; attempt < 10; attempt++) {
    await daemon.client.hibernate({ appInstanceId });
    await daemon.client.wake({ appInstanceId });
    killNow(helpersOf(daemon, appInstanceId, 'page server'), 'SIGSTOP');
    const servers = helpersOf(daemon, appInstanceId, 'page server');
    if (servers.length > 0) return servers;
  }
  throw new Error('the pages were in before anybody could look, ten times');
}

test('an app whose page server is killed after a wake sleeps again, and wakes whole', async () => {
  await using daemon = await startDaemon({ config: CONFIG });
  const { client } = daemon;
  const app = await runCounter(client, { kind: 'large', bytes: 256 * MIB });
  const appInstanceId = app.id;
  const servers = await wakeUntilSeen(daemon, appInstanceId);
  killNow(servers);
  await untilState(client, app.id, 'HIBERNATED');
  assert.deepEqual(inWords(await eventsOf(client, app.id)).slice(-2), ['failure', 'RUNNING>HIBERNATED']);
  await checkHouse(daemon);
  await checkSleepsAndWakes(daemon, app);
  await checkHouse(daemon);
});

test('a page server killed while no daemon runs: the next one finds the app asleep, not ended', async () => {
  await using daemon = await startDaemon({ config: CONFIG });
  const { client } = daemon;
  const app = await runCounter(client, { kind: 'large', bytes: 256 * MIB });
  const appInstanceId = app.id;
  const servers = await wakeUntilSeen(daemon, appInstanceId);
  await daemon.kill9();
  killNow(servers);
  await daemon.restart();
  await untilState(daemon.client, app.id, 'HIBERNATED');
  await checkSleepsAndWakes(daemon, app);
});
