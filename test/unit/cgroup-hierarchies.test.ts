import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findHierarchies, type Controller } from '../../src/adapters/cgroup/hierarchies.ts';
import { mountsBelow } from '../../src/adapters/files/mount-table.ts';

const CONTROLLERS: readonly Controller[] = ['memory', 'cpu', 'cpuacct', 'pids', 'freezer'];
const v1 = (point: string, controllers: string): string =>
  `33 31 0:29 / ${point} rw,nosuid,relatime shared:9 - cgroup cgroup rw,${controllers}`;
const v2 = (point: string): string => `30 24 0:26 / ${point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate`;
const OTHERS = ['22 1 8:1 / / rw - ext4 /dev/sda1 rw', '31 22 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755', ''];

const unified = (controllers: string) => {
  const directory = mkdtempSync(join(tmpdir(), 'rmt-cgroup-'));
  writeFileSync(join(directory, 'cgroup.controllers'), `${controllers}\n`);
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
};

const versions = (mountInfo: readonly string[]): Record<string, number | undefined> => {
  const found = findHierarchies([...OTHERS, ...mountInfo].join('\n'));
  return Object.fromEntries(CONTROLLERS.map((controller) => [controller, found.of(controller)?.version]));
};

test('on a machine with v1 only, each controller is found where it is mounted, also several in one place', () => {
  const mounts = [
    v1('/cg/cpu,cpuacct', 'cpu,cpuacct'),
    v1('/cg/memory', 'memory'),
    v1('/cg/pids', 'pids'),
    v1('/cg/freezer', 'freezer'),
    v1('/cg/systemd', 'xattr,name=systemd'),
  ];
  assert.deepEqual(versions(mounts), { memory: 1, cpu: 1, cpuacct: 1, pids: 1, freezer: 1 });
  const found = findHierarchies(mounts.join('\n'));
  assert.equal(found.of('cpuacct')?.mountPoint, '/cg/cpu,cpuacct');
  assert.deepEqual(found.all, ['/cg/cpu,cpuacct', '/cg/memory', '/cg/pids', '/cg/freezer', '/cg/systemd']);
});

test('on a machine with v2 only, the controllers are those that the hierarchy has; freezer and cpu time are always there', () => {
  using all = unified('cpuset cpu io memory hugetlb pids');
  assert.deepEqual(versions([v2(all.directory)]), { memory: 2, cpu: 2, cpuacct: 2, pids: 2, freezer: 2 });
  using few = unified('cpu');
  assert.deepEqual(versions([v2(few.directory)]), {
    memory: undefined,
    cpu: 2,
    cpuacct: 2,
    pids: undefined,
    freezer: 2,
  });
});

test('on a hybrid machine a controller is used where it is: v1 comes first, what only v2 has is taken there', () => {
  using rest = unified('');
  const mounts = [
    v1('/cg/memory', 'memory'),
    v1('/cg/cpu', 'cpu'),
    v1('/cg/pids', 'pids'),
    v1('/cg/cpuacct', 'cpuacct'),
    v2(rest.directory),
  ];
  assert.deepEqual(versions(mounts), { memory: 1, cpu: 1, cpuacct: 1, pids: 1, freezer: 2 });
});

test('a machine without control groups has none', () => {
  assert.deepEqual(versions([]), {
    memory: undefined,
    cpu: undefined,
    cpuacct: undefined,
    pids: undefined,
    freezer: undefined,
  });
});

test('a mount point with a space is read as the kernel writes it', () => {
  assert.deepEqual(findHierarchies(v1('/c\\040g', 'memory')).all, ['/c g']);
});

const at = (point: string): string => `40 22 8:1 /x ${point} rw - ext4 /dev/sda1 rw`;

test('mounts in and below a directory are found deepest first, and no others', () => {
  const info = [at('/r'), at('/r/id'), at('/r/id/a'), at('/r/id/a/b'), at('/r/id2'), at('/r/idx/y'), at('/'), ''].join(
    '\n',
  );
  assert.deepEqual(mountsBelow('/r/id', info), ['/r/id/a/b', '/r/id/a', '/r/id']);
});

test('the escapes of the kernel are undone: space, tab, newline, backslash', () => {
  assert.deepEqual(mountsBelow('/r', at('/r/a\\040b\\011c\\012d\\134e')), ['/r/a b\tc\nd\\e']);
  assert.deepEqual(mountsBelow('/r/a b', at('/r/a\\040b')), ['/r/a b']);
});

test('one directory that is mounted upon several times is named as often', () => {
  assert.deepEqual(mountsBelow('/r', [at('/r/x'), at('/r/x')].join('\n')), ['/r/x', '/r/x']);
});
