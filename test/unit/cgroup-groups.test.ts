/** Control groups of version 2, which this machine may not have: a directory tree with the kernel's files in it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { controlGroups } from '../../src/adapters/cgroup/control-groups.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import { refusal } from '../lib/refusal.ts';

const ID = containerIdFor(appInstanceId('app'));

function fakeGroups(version: 1 | 2, files: Readonly<Record<string, string>>) {
  const mountPoint = mkdtempSync(join(tmpdir(), 'rmt-groups-'));
  const group = join(mountPoint, 'ours', `app-${ID}`);
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(group, name)), { recursive: true });
    writeFileSync(join(group, name), `${text}\n`);
  };
  writeFileSync(join(mountPoint, 'cgroup.controllers'), 'cpu memory pids\n');
  for (const [name, text] of Object.entries(files)) put(name, text);
  let onSleep = (): void => undefined;
  const type = version === 2 ? 'cgroup2 cgroup2 rw' : 'cgroup cgroup rw,memory,cpuacct,pids,freezer';
  const groups = controlGroups({
    parent: '/ours',
    prefix: 'app-',
    mountInfo: `30 24 0:26 / ${mountPoint} rw - ${type}`,
    clock: {
      now: () => '',
      sleep: async () => {
        onSleep();
        await turn();
      },
    },
  });
  return {
    groups,
    put,
    read: (name: string): string => readFileSync(join(group, name), 'utf8').trim(),
    /** What the kernel does while we wait. */
    meanwhile: (work: () => void) => (onSleep = work),
    group,
    [Symbol.dispose]: () => rmSync(mountPoint, { recursive: true }),
  };
}

const FILES_V2 = {
  'cgroup.procs': '12\n7',
  'cgroup.freeze': '0',
  'cgroup.events': 'populated 1\nfrozen 0',
  'memory.current': '5000',
  'memory.max': 'max',
  'memory.stat': 'anon 3000\ninactive_file 1000\nactive_file 0',
  'memory.events': 'low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\noom_group_kill 0',
  'cpu.stat': 'usage_usec 1234\nuser_usec 1000',
  'pids.current': '3',
  'pids.max': '20',
};
const FILES_V1 = {
  'cgroup.procs': '7',
  'freezer.state': 'THAWED',
  'memory.usage_in_bytes': '5000',
  'memory.limit_in_bytes': '9223372036854771712',
  'memory.stat': 'inactive_file 1\ntotal_inactive_file 1000',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
  'cpuacct.usage': '1234000',
  'pids.current': '3',
  'pids.max': '20',
};
const wait = (timeoutMs = 1000) => ({ signal: new AbortController().signal, timeoutMs });

for (const [version, files, oomKills] of [
  [1, FILES_V1, 2],
  [2, FILES_V2, 1],
] as const) {
  test(`a group of version ${version} is read in the one form`, () => {
    using fake = fakeGroups(version, files);
    assert.deepEqual(fake.groups.readings(ID), {
      memory: { usageBytes: 4000, limitBytes: null },
      cpu: { usageNs: 1_234_000 },
      pids: { current: 3, limit: 20 },
    });
    assert.equal(fake.groups.oomKills(ID), oomKills);
    assert.deepEqual(fake.groups.known(), [ID]);
    assert.equal(fake.groups.pathOf(ID), '/ours/app-app');
  });

  test(`a limit of version ${version} is read, and more cache than usage is no negative use`, () => {
    using fake = fakeGroups(version, files);
    fake.put(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', '67108864');
    fake.put('pids.max', 'max');
    fake.put('memory.stat', 'inactive_file 99999\ntotal_inactive_file 99999');
    const readings = fake.groups.readings(ID);
    assert.deepEqual(readings?.memory, { usageBytes: 0, limitBytes: 67_108_864 });
    assert.equal(readings.pids.limit, null);
  });
}

test('what is not there has no readings, no state, no members, and is removed already', () => {
  using fake = fakeGroups(2, FILES_V2);
  const nobody = containerIdFor(appInstanceId('nobody'));
  assert.equal(fake.groups.readings(nobody), undefined);
  assert.equal(fake.groups.frozen(nobody), undefined);
  assert.equal(fake.groups.oomKills(nobody), 0);
  assert.deepEqual(fake.groups.members(nobody), []);
  assert(fake.groups.remove(nobody));
});

test('members are those of the group and of every group below it', () => {
  using fake = fakeGroups(2, FILES_V2);
  fake.put('below/deep/cgroup.procs', '99');
  assert.deepEqual([...fake.groups.members(ID)].sort(), [12, 7, 99]);
});

test('freezing waits until the kernel says that it is done', async () => {
  using fake = fakeGroups(2, FILES_V2);
  assert.equal(fake.groups.frozen(ID), 'thawed');
  let rounds = 0;
  fake.meanwhile(() => {
    assert.equal(fake.groups.frozen(ID), 'freezing');
    if (++rounds === 3) fake.put('cgroup.events', 'populated 1\nfrozen 1');
  });
  await fake.groups.freeze(ID, wait());
  assert.equal(fake.read('cgroup.freeze'), '1');
  assert.equal(rounds, 3);
  assert.equal(fake.groups.frozen(ID), 'frozen');
});

test('version 1 is asked again when it stays half-way', async () => {
  using fake = fakeGroups(1, FILES_V1);
  let rounds = 0;
  fake.meanwhile(() => {
    // the kernel: half-way, until it is asked a second time
    if (rounds++ === 0) fake.put('freezer.state', 'FREEZING');
  });
  await fake.groups.freeze(ID, wait());
  assert.equal(fake.groups.frozen(ID), 'frozen');
});

test('what does not freeze in time is told with its state; a group that goes away ends the wait', async () => {
  using fake = fakeGroups(2, FILES_V2);
  await refusal(fake.groups.freeze(ID, wait(20)), 'TIMED_OUT', /is still freezing after 20 ms/);
  const nobody = containerIdFor(appInstanceId('nobody'));
  await refusal(fake.groups.freeze(nobody, wait()), 'ABORTED', /is gone/);
});

test('a machine without a freezer says so', async () => {
  const groups = controlGroups({
    parent: '/x',
    prefix: 'app-',
    mountInfo: '',
    clock: { now: () => '', sleep: () => Promise.resolve() },
  });
  const { next } = await refusal(groups.freeze(ID, wait()), 'NOT_SUPPORTED', /no cgroup freezer/);
  assert.match(next ?? '', /mount/);
});

test('a group that still has something in it is not removed', () => {
  using fake = fakeGroups(2, {});
  mkdirSync(join(fake.group, 'below'), { recursive: true });
  assert(fake.groups.remove(ID));
  assert(!existsSync(fake.group));
  fake.put('busy', '');
  assert(!fake.groups.remove(ID));
});

const NO_SHARES = { cpuShares: null, cores: null, ioWeight: null };

test('limits of version 2 are written in its forms, and lifted again', async () => {
  using box = fakeGroups(2, { ...FILES_V2, 'memory.max': '', 'cpu.max': '', 'pids.max': '' });
  const none = { memoryBytes: null, swapBytes: null, cpus: null, pids: 1024, ...NO_SHARES };
  const after = { memoryBytes: 2 ** 26, swapBytes: 0, cpus: 0.5, pids: 7, ...NO_SHARES };
  await box.groups.setLimits(ID, { before: none, after });
  assert.deepEqual(['memory.max', 'cpu.max', 'pids.max'].map(box.read), ['67108864', '50000 100000', '7']);
  for (const name of ['memory.max', 'cpu.max']) box.put(name, '');
  await box.groups.setLimits(ID, { after: { ...none, pids: 8 } });
  assert.deepEqual(['memory.max', 'cpu.max', 'pids.max'].map(box.read), ['max', 'max 100000', '8']);
});

test('a limit that cannot be put in force takes the others back with it', async () => {
  // a plain file keeps the end of what was in it: then it has another value than the one that was written
  using box = fakeGroups(2, { ...FILES_V2, 'memory.max': '50000000', 'pids.max': '1234567' });
  const before = { memoryBytes: 50_000_000, swapBytes: 0, cpus: null, pids: 1_234_567, ...NO_SHARES };
  const after = { ...before, memoryBytes: 2 ** 26, pids: 9 };
  const setting = box.groups.setLimits(ID, { before, after });
  await refusal(setting, 'LIMIT_FAILED', /pids 9 could not be put in force/);
  assert.equal(box.read('memory.max'), '50000000');
  assert.equal(box.read('pids.max'), '1234567');
});
