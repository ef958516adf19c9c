/** Limits of an app as resources of its container, and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appSchema } from '../../src/domain/app.ts';
import type { Device } from '../../src/spec/limit-origins.ts';
import { startLimits } from '../../src/spec/limits.ts';
import { ociConfig } from '../../src/spec/oci-config.ts';
import { NO_PLATFORM } from '../../src/spec/platform/platform.ts';

const configOf = (limits: object, device: Partial<Device> = {}) =>
  ociConfig({
    app: appSchema.parse({ rootfs: { host: true }, args: ['sleep', '9'], limits }),
    rootfs: { path: '/run/rm/rootfs/abc', bundle: null, binds: [] },
    identity: { uid: 30001, gid: 30002, rootHostUid: 230001, rootHostGid: 230002 },
    ...{ storage: '/var/lib/a', inside: '/run/rm/inside/a', display: null, cgroupsPath: '/rm/i', hostname: 'box' },
    ...{ architecture: 'x64', oomScoreAdj: 0, appId: 'a', appInstanceId: 'i' },
    device: { cores: NO_PLATFORM.cores, count: 4, countsSwap: true, ...device },
  });

test('swap is what is beyond memory; where the kernel does not count it, it is only in there when asked for', () => {
  const resources = (limits: object, countsSwap = true) =>
    configOf({ memoryBytes: 8_000_000, ...limits }, { countsSwap }).linux.resources;
  assert.deepEqual(resources({ swapBytes: 1000 }).memory, { limit: 8_000_000, swap: 8_001_000 });
  assert.deepEqual(resources({}, false).memory, { limit: 8_000_000 });
  assert.deepEqual(resources({ swapBytes: 0 }, false).memory, { limit: 8_000_000, swap: 8_000_000 });
  const { cpu, blockIO } = resources({ cpuShares: 512, ioWeight: 50, cores: '0' });
  assert.deepEqual([cpu, blockIO], [{ cpus: '0', shares: 512 }, { weight: 50 }]);
  assert.deepEqual(startLimits(configOf({ memoryBytes: 8_000_000, cpus: 0.5 })), {
    ...{ memoryBytes: 8_000_000, swapBytes: 0, cpus: 0.5, pids: 1024 },
    ...{ cpuShares: null, cores: null, ioWeight: null },
  });
});

test('an app gets the cores that it asks for, of those that the device has for apps', () => {
  const cpus = (cores: string, allowed: readonly number[] | null = null) =>
    configOf({ cores }, { cores: { ...NO_PLATFORM.cores, value: allowed } }).linux.resources.cpu?.cpus;
  assert.equal(cpus('1-2'), '1,2');
  assert.equal(cpus('1-2', [0, 1]), '1');
  for (const [cores, allowed] of [
    ['2-3', [0, 1]],
    ['3-4', null],
    ['7', null],
    ['3-1', null],
  ] as const) {
    assert.throws(() => cpus(cores, allowed), /app\.limits\.cores .* is not of the cores/);
  }
});

test('swap without a limit of memory, and what is no list of cores, are refused', () => {
  assert.throws(() => configOf({ swapBytes: 4096 }), /swapBytes needs memoryBytes/);
  for (const cores of ['', 'a', '0-', '1,,2', '-1']) assert.throws(() => configOf({ cores }), /list of cores/);
});
