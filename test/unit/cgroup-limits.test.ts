/** Limits at the start of an app, on both versions of control groups: a directory tree with the kernel's files in it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { controlGroups } from '../../src/adapters/cgroup/control-groups.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import type { Limits } from '../../src/domain/limits.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';

const ID = containerIdFor(appInstanceId('app'));
const NONE: Limits = {
  ...{ memoryBytes: null, swapBytes: null, cpus: null, pids: 7 },
  ...{ cpuShares: null, cores: null, ioWeight: null },
};

const CONTROLLERS = { 1: 'cgroup cgroup rw,memory,cpu,cpuset,blkio,pids,freezer', 2: 'cgroup2 cgroup2 rw' };

const groupsOf = (directory: string, mounts: readonly string[]) =>
  controlGroups({
    parent: '/ours',
    prefix: 'app-',
    mountInfo: mounts.join('\n'),
    clock: { now: () => '', sleep: () => Promise.resolve() },
    disks: join(directory, 'disks'),
  });

function fakeMachine(version: 1 | 2, files: Readonly<Record<string, string>>, scheduler = 'none [bfq]') {
  const directory = mkdtempSync(join(tmpdir(), 'rmt-limits-'));
  const group = join(directory, 'groups/ours', `app-${ID}`);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
  };
  put(join(directory, 'groups/cgroup.controllers'), 'cpu cpuset io memory pids');
  put(join(directory, 'groups/ours/cpuset.cpus'), '0-3');
  put(join(directory, 'disks/sda/queue/scheduler'), scheduler);
  for (const [name, text] of Object.entries({ 'pids.max': '7', ...files })) put(join(group, name), text);
  const groups = groupsOf(directory, [`30 24 0:26 / ${directory}/groups rw - ${CONTROLLERS[version]}`]);
  return {
    groups,
    directory,
    put: (name: string, text: string) => {
      put(join(group, name), text);
    },
    read: (name: string): string => readFileSync(join(group, name), 'utf8').trim(),
    [Symbol.dispose]: () => {
      rmSync(directory, { recursive: true });
    },
  };
}

const ALL: Limits = {
  ...{ memoryBytes: 2 ** 26, swapBytes: 2 ** 20, cpus: 0.5, pids: 7 },
  ...{ cpuShares: 512, cores: '0-1', ioWeight: 300 },
};

const SO_V1 = {
  'memory.limit_in_bytes': '67108864',
  'memory.memsw.limit_in_bytes': '68157440',
  'cpu.cfs_quota_us': '50000',
  'cpu.shares': '512',
  'cpuset.cpus': '0,1',
  'blkio.bfq.weight': '300',
};
const SO_V2 = {
  'memory.max': '67108864',
  'memory.swap.max': '1048576',
  'cpu.max': '50000 100000',
  'cpu.weight': '50',
  'cpuset.cpus': '0-1',
  'io.bfq.weight': 'default 300',
  'memory.oom.group': '0',
};

for (const [version, files] of [
  [1, SO_V1],
  [2, SO_V2],
] as const) {
  test(`limits of version ${version} that the runtime has put in force are only read`, async () => {
    using machine = fakeMachine(version, files);
    await machine.groups.enforce(ID, ALL);
    const expected = version === 2 ? { ...files, 'memory.oom.group': '1' } : files;
    for (const [name, text] of Object.entries(expected)) assert.equal(machine.read(name), text);
  });

  test(`limits of version ${version} that it has not are written; without their file the start fails by name`, async () => {
    using machine = fakeMachine(version, Object.fromEntries(Object.keys(files).map((name) => [name, ''])));
    await machine.groups.enforce(ID, ALL);
    for (const [name, text] of Object.entries({ ...files, 'cpuset.cpus': '0-1' })) {
      if (name !== 'memory.oom.group') assert.equal(machine.read(name), text.replace('default ', ''));
    }
    using poor = fakeMachine(version, {});
    for (const limit of ['memoryBytes', 'cpus', 'cpuShares', 'cores', 'ioWeight'] as const) {
      const error = await refusal(poor.groups.enforce(ID, { ...NONE, [limit]: ALL[limit] }), 'LIMIT_FAILED');
      assert.match(error.message, new RegExp(limit));
      assert.match(String(error.cause), /the kernel has no /);
    }
  });

  test(`no swap is no wish where version ${version} does not count it; some is`, async () => {
    const file = version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
    using machine = fakeMachine(version, { [file]: '67108864' });
    await machine.groups.enforce(ID, { ...NONE, memoryBytes: 2 ** 26, swapBytes: 0 });
    await helpfulRefusal(
      machine.groups.enforce(ID, { ...NONE, memoryBytes: 2 ** 26, swapBytes: 4096 }),
      'LIMIT_FAILED',
      /swapBytes 4096/,
    );
  });
}

for (const version of [1, 2] as const) {
  test(`shares, cores and weight of version ${version} are given to an app that lives, and taken away again`, async () => {
    const names =
      version === 1
        ? ['cpu.shares', 'cpuset.cpus', 'blkio.bfq.weight']
        : ['cpu.weight', 'cpuset.cpus', 'io.bfq.weight'];
    using machine = fakeMachine(version, Object.fromEntries(names.map((name) => [name, ''])));
    const found = () => names.map(machine.read);
    await machine.groups.setLimits(ID, { before: NONE, after: { ...NONE, cpuShares: 512, cores: '1', ioWeight: 300 } });
    assert.deepEqual(found(), [version === 1 ? '512' : '50', '1', '300']);
    for (const name of names) machine.put(name, '');
    await machine.groups.setLimits(ID, { after: NONE });
    assert.deepEqual(found(), [version === 1 ? '1024' : '100', version === 1 ? '0-3' : '', '100']);
    // where nothing can be set there is nothing to take away
    using poor = fakeMachine(version, {});
    await poor.groups.setLimits(ID, { after: NONE });
    for (const limit of ['cpuShares', 'cores', 'ioWeight'] as const) {
      const change = { before: NONE, after: { ...NONE, [limit]: ALL[limit] } };
      await refusal(poor.groups.setLimits(ID, change), 'LIMIT_FAILED', new RegExp(limit));
    }
  });
}

test('each controller is written where it is: one in version 1, the others in version 2', async () => {
  using machine = fakeMachine(2, SO_V2);
  const v1 = join(machine.directory, 'cpuset');
  mkdirSync(join(v1, 'ours', `app-${ID}`), { recursive: true });
  writeFileSync(join(v1, 'ours', `app-${ID}`, 'cpuset.cpus'), '0-3');
  const groups = groupsOf(machine.directory, [
    `30 24 0:26 / ${machine.directory}/groups rw - ${CONTROLLERS[2]}`,
    `31 24 0:27 / ${v1} rw - cgroup cgroup rw,cpuset`,
  ]);
  await groups.setLimits(ID, { before: NONE, after: { ...NONE, cores: '0-2', cpuShares: 1024 } });
  assert.equal(readFileSync(join(v1, 'ours', `app-${ID}`, 'cpuset.cpus'), 'utf8'), '0-2\n');
  assert.equal(machine.read('cpuset.cpus'), '0-1');
  assert.equal(machine.read('cpu.weight'), '100');
});

test('what no app could be held to here is refused before there is one', () => {
  using machine = fakeMachine(2, SO_V2, 'none');
  machine.groups.refuseImpossible({ ...NONE, cores: '0', swapBytes: 7 });
  assert.throws(() => machine.groups.refuseImpossible({ ...NONE, ioWeight: 300 }), /ioWeight/);
  assert.throws(
    () => groupsOf(machine.directory, []).refuseImpossible({ ...NONE, cores: '0' }),
    /the control group controller pids is not there/,
  );
});

test('a weight that no scheduler reads is refused, with what to do', async () => {
  using machine = fakeMachine(1, SO_V1, '[none] mq-deadline');
  const { next } = await helpfulRefusal(machine.groups.enforce(ID, ALL), 'LIMIT_FAILED', /ioWeight/);
  assert.match(next ?? '', /echo bfq/);
  using costed = fakeMachine(2, { 'io.weight': 'default 300' }, '[none]');
  const wanted = { ...NONE, ioWeight: 300 };
  await refusal(costed.groups.enforce(ID, wanted), 'LIMIT_FAILED', /ioWeight/);
  writeFileSync(`${costed.directory}/groups/io.cost.qos`, '8:0 enable=1 ctrl=auto\n');
  await costed.groups.enforce(ID, wanted);
});

test('what the kernel makes otherwise is told with its own words', async () => {
  // a plain file keeps the end of what was in it
  using machine = fakeMachine(2, { 'pids.max': '1234567' });
  const error = await refusal(machine.groups.enforce(ID, NONE), 'LIMIT_FAILED', /pids 7 could not be put in force/);
  assert.equal(error.cause, 'the kernel has 7234567 in pids.max');
});

test("the runtime's failure at a limit is told as that limit's, any other as it is", () => {
  using machine = fakeMachine(1, {});
  const failed = (words: string) =>
    new RuntimeError('START_FAILED', { what: 'the container was not created', cause: words });
  const words =
    'failed to write "68157440": open /sys/fs/cgroup/memory/x/memory.memsw.limit_in_bytes: no such file or directory';
  const blamed = machine.groups.blameLimit(failed(words), { ...NONE, memoryBytes: 2 ** 26, swapBytes: 2 ** 20 });
  assert(blamed instanceof RuntimeError);
  assert.equal(blamed.code, 'LIMIT_FAILED');
  assert.match(blamed.message, /swapBytes/);
  const other = failed('exec: no such file');
  assert.equal(machine.groups.blameLimit(other, ALL), other);
});
