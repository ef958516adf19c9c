import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Started } from '../../src/adapters/dobby/calls.ts';
import { Containers } from '../../src/adapters/dobby/containers.ts';
import { PluginLink, type Follower } from '../../src/adapters/dobby/plugin-link.ts';
import { listedIn, membersOf, stateIn, wordIn } from '../../src/adapters/dobby/plugin-replies.ts';
import { Roll } from '../../src/adapters/dobby/roll.ts';
import { neighbourFailed } from '../../src/adapters/rdk/answers.ts';
import { exitRecord } from '../../src/domain/exit.ts';
import type { ContainerId } from '../../src/domain/ids.ts';
import { processNamed } from '../../src/start/ocicontainer.ts';
import { refusal } from '../lib/refusal.ts';
import { quietLog, wait } from '../lib/thunder-box.ts';
import { until } from '../lib/until.ts';

const ID = 'app' as ContainerId;

test('whatever a build leaves out or writes otherwise is read as it is meant', () => {
  const one = [{ Descriptor: 734, Id: 'app' }];
  for (const containers of [one, JSON.stringify(one), [{ Descriptor: '734', Id: 'app' }]]) {
    assert.deepEqual([...listedIn(membersOf({ containers, success: true }))], [['app', 734]]);
  }
  for (const reply of [{ success: true }, { containers: '', success: true }, { containers: [], success: true }, null]) {
    assert.equal(listedIn(membersOf(reply)).size, 0);
  }
  const states = ['RUNNING', 'Running', 'PAUSED', 'INVALID', 'STOPPED', ''].map((state) =>
    stateIn(membersOf({ state })),
  );
  assert.deepEqual(states, ['running', 'running', 'paused', 'gone', 'gone', 'gone']);
  assert.deepEqual([membersOf('nonsense').success, membersOf({}).success], [false, false]);
});

test('an end is told by name, whatever the id is by then; -1 is an end by a signal', () => {
  const rows = [
    [{ containerId: 'other', name: 'app', exitCode: 3 }, 3, undefined],
    [{ containerId: 'app', exitCode: 0 }, 0, undefined],
    [{ name: 'app', exitCode: -1 }, null, true],
    [{ name: 'app' }, null, undefined],
    [{ name: 'app', exitCode: null }, null, undefined],
  ] as const;
  for (const [params, code, bySignal] of rows) {
    const word = wordIn(params);
    assert.deepEqual([word?.name, word?.code, word?.bySignal], ['app', code, bySignal], JSON.stringify(params));
  }
  assert.equal(wordIn({}), undefined);
  assert.equal(wordIn('nonsense'), undefined);
});

test('an end by some signal is taken for one by ours, or by the kernel for memory, and else for a crash', () => {
  const endAfter = (prepare: (containers: Containers) => void) => {
    const containers = new Containers();
    const handle = { life: 'plugin', descriptor: 1 };
    containers.hold(ID, handle);
    prepare(containers);
    containers.hear({ life: 'plugin', name: 'app', descriptor: null, code: null, bySignal: true });
    const { code, signal, cause } = exitRecord({ code: null, oom: false, ...containers.endOf(ID, handle), at: '' });
    return { code, signal, cause };
  };
  const nothing = (): void => undefined;
  assert.deepEqual(endAfter(nothing), { code: null, signal: null, cause: 'signalled' });
  const killed = endAfter((containers) => {
    containers.noteSignal(ID, 'SIGTERM');
    containers.noteSignal(ID, 'SIGKILL');
  });
  assert.deepEqual(killed, { code: 137, signal: 9, cause: 'signalled' });
  const starved = endAfter((containers) => {
    containers.noteOom(ID);
  });
  assert.deepEqual(starved, { code: 137, signal: 9, cause: 'oom' });
});

test('those are lost with Dobby that are gone all at once without a word', () => {
  const roll = new Roll();
  const lost = (): readonly boolean[] => ['a', 'b', 'c'].map((name) => roll.isLost(name));
  roll.add('a', 1);
  roll.add('b', 2);
  roll.compare(new Map([['a', 1]]));
  assert.deepEqual(lost(), [false, false, false]);
  roll.add('c', 3);
  roll.strike('c');
  // the name is another one's now: a Dobby that has begun anew
  roll.compare(new Map([['a', 4]]));
  assert.deepEqual(lost(), [false, true, false]);
  roll.compare(new Map());
  assert.deepEqual(lost(), [true, true, false]);
  // it was only silent
  roll.compare(new Map([['a', 4]]));
  assert.deepEqual(lost(), [false, true, false]);
  roll.clear();
  roll.compare(new Map());
  assert.equal(roll.isLost('a'), false);
});

/** A plugin whose answers come when they are given. */
function deafPlugin(options: { readonly doubtMs?: number } = {}) {
  const asked: { readonly method: string; readonly answer: PromiseWithResolvers<unknown> }[] = [];
  let follower: Follower | undefined;
  const link = new PluginLink(
    {
      ...{
        url: 'ws://thunder',
        callTimeoutMs: 20_000,
        log: quietLog,
        findDobby: () => Promise.resolve(undefined),
        ...options,
      },
      follow: (one) => {
        follower = one;
        return {
          call: (method) => {
            const answer = Promise.withResolvers<unknown>();
            asked.push({ method, answer });
            return answer.promise;
          },
        };
      },
    },
    { heard: () => undefined, serves: () => undefined },
  );
  /** The first question of this kind that has no answer yet. */
  const next = (method: string) =>
    until(
      () => {
        const at = asked.findIndex((one) => one.method === method);
        return at < 0 ? undefined : asked.splice(at, 1)[0]?.answer;
      },
      { what: `${method} is asked` },
    );
  const listing = async (containers: readonly object[]): Promise<void> => {
    (await next('listContainers')).resolve({ containers, success: true });
  };
  return { link, asked, next, listing, events: () => follower };
}

const START = { method: 'startContainer', params: {} };
const APP = { Descriptor: 734, Id: 'app' };

test('a start that nobody waits for any more is told when it is answered after all', async () => {
  const { link, next, listing, events } = deafPlugin();
  events()?.onBack();
  await listing([]);
  const late: Started[] = [];
  const giveUp = new AbortController();
  const patience = { ...wait(), signal: giveUp.signal };
  const refused = refusal(link.start('app', START, { ...patience, late: (one) => late.push(one) }), 'ABORTED');
  const answer = await next('startContainer');
  giveUp.abort();
  await refused;
  answer.resolve({ descriptor: 734, success: true });
  await until(() => late.length === 1, { what: 'the late answer is told' });
  assert.deepEqual(late, [{ descriptor: 734 }]);
  link.close();
});

test('a start whose answer was lost is told when its container is seen, unless the name is another one’s by then', async () => {
  const { link, next, listing, events } = deafPlugin();
  events()?.onBack();
  await listing([]);
  const late: Started[] = [];
  const lose = async (): Promise<void> => {
    const started = link.start('app', START, { ...wait(), late: (one) => late.push(one) });
    const error = neighbourFailed('startContainer', 'failed', 'it broke');
    (await next('startContainer')).reject(error);
    await refusal(started, 'ENGINE_UNAVAILABLE', /it broke/);
  };
  await lose();
  events()?.events['onContainerStarted']?.({ containerId: 'other', name: 'other' });
  events()?.events['onContainerStarted']?.({ containerId: 'app', name: 'app' });
  await listing([APP]);
  await until(() => late.length === 1, { what: 'it is told' });
  await lose();
  const again = link.start('app', START, { ...wait(), late: undefined });
  (await next('startContainer')).resolve({ descriptor: 735, success: true });
  assert.deepEqual(await again, { descriptor: 735 });
  const listed = link.list(wait());
  await listing([{ ...APP, Descriptor: 735 }]);
  assert.equal((await listed).descriptors.get('app'), 735);
  assert.equal(late.length, 1);
  link.close();
});

test('a start that the plugin has given up after a long time may still come to be; one that was refused may not', async () => {
  for (const [doubtMs, told] of [
    [0, 1],
    [60_000, 0],
  ] as const) {
    const { link, next, listing, events } = deafPlugin({ doubtMs });
    events()?.onBack();
    await listing([]);
    const late: Started[] = [];
    const started = link.start('app', START, { ...wait(), late: (one) => late.push(one) });
    const declined = neighbourFailed('startContainer', 'declined', 'dobby start failed');
    (await next('startContainer')).reject(declined);
    assert.deepEqual(await started, { descriptor: null, why: 'dobby start failed' });
    const listed = link.list(wait());
    await listing([APP]);
    await listed;
    assert.equal(late.length, told);
    link.close();
  }
});

test('no more than four calls are with the plugin at once, and none before its events are heard', async () => {
  const { link, asked, next, listing, events } = deafPlugin();
  const early = refusal(link.list(wait(50)), 'ENGINE_UNAVAILABLE', /not active/);
  (await next('exists')).reject(neighbourFailed('exists', 'inactive', 'it is not active'));
  await early;
  assert.deepEqual(asked, []);
  events()?.onBack();
  await listing([]);
  const all = Array.from({ length: 6 }, () => link.call({ method: 'pauseContainer', params: {} }, wait()));
  await until(() => asked.length === 4, { what: 'four are asked' });
  for (let answered = 0; answered < 6; answered++) (await next('pauseContainer')).resolve({ success: true });
  assert.equal((await Promise.all(all)).filter(({ success }) => success).length, 6);
  link.close();
});

test('how Dobby starts containers must be said where its process cannot be told from others', async () => {
  const { link } = deafPlugin();
  const error = await refusal(link.pidOf(), 'ENGINE_UNAVAILABLE', /cannot be told/);
  assert.match(error.next ?? '', /dobby\.start/);
  link.close();
});

test('Dobby’s process is found by its name, if there is one only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  try {
    const add = async (pid: string, comm: string): Promise<void> => {
      await mkdir(join(directory, pid));
      await writeFile(join(directory, pid, 'comm'), `${comm}\n`);
    };
    await mkdir(join(directory, 'self'));
    await add('1', 'init');
    assert.equal(await processNamed('DobbyDaemon', directory), undefined);
    await add('42', 'DobbyDaemon');
    assert.equal(await processNamed('DobbyDaemon', directory), 42);
    await add('43', 'DobbyDaemon');
    assert.equal(await processNamed('DobbyDaemon', directory), undefined);
  } finally {
    await rm(directory, { recursive: true });
  }
});
