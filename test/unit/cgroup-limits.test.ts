/** Limits at the start of an app, on both versions of control groups: a directory tree with the kernel's files in it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { controlGroups } from '../../src/adapters/cgroup/control-groups.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import type { StartLimits } from '../../src/domain/limits.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';

const ID = containerIdFor(appInstanceId('app'));
const NONE: StartLimits = {
  ...{ memoryBytes: null, swapBytes: null, cpus: null, pids: 7 },
  ...{ cpuShares: null, cores: null, ioWeight: null },
};

const CONTROLLERS = { 1: 'cgroup cgroup rw,memory,cpu,cpuset,blkio,pids,freezer', 2: 'cgroup2 cgroup2 rw' };

function fakeMachine(version: 1 | 2, files: Readonly<Record<string, string>>, scheduler = 'none [bfq]') {
  const directory = mkdtempSync(join(tmpdir(), 'rmt-limits-'));
  const group = join(directory, 'groups/ours', `app-${ID}`);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
  };
  put(join(directory, 'groups/cgroup.controllers'), 'cpu cpuset io memory pids');
  put(join(directory, 'disks/sda/queue/scheduler'), scheduler);
  for (const [name, text] of Object.entries({ 'pids.max': '7', ...files })) put(join(group, name), text);
  const groups = controlGroups({
    parent: '/ours',
    prefix: 'app-',
    mountInfo: `30 24 0:26 / ${directory}/groups rw - ${CONTROLLERS[version]}`,
    clock: { now: () => '', sleep: () => Promise.resolve() },
    disks: join(directory, 'disks'),
  });
  return {
    groups,
    directory,
    read: (name: string): string => readFileSync(join(group, name), 'utf8').trim(),
    [Symbol.dispose]: () => {
      rmSync(directory, { recursive: true });
    },
  };
}

const ALL: StartLimits = {
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
