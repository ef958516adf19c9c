import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppInput } from '../../src/domain/app.ts';
import { differences, fieldsOf } from '../../src/domain/spec-fields.ts';
import type { ExplainedField } from '../../src/domain/spec.ts';
import { Origins } from '../../src/spec/origins.ts';
import { GOLDEN_APPS } from '../lib/golden-apps.ts';
import { dobbyOf, ociOf, type SpecApp } from '../lib/spec-apps.ts';

const HOST: AppInput = { rootfs: { host: true }, args: ['x'], limits: { memoryBytes: 64 * 2 ** 20 } };
const rowsOf = (fields: readonly ExplainedField[]) =>
  new Map(fields.map(({ path, layer, by }) => [path, `${layer} ${by ?? '-'}`]));
const oci = (one: SpecApp) => {
  const { config, origins } = ociOf(one);
  return rowsOf(origins.explain(config));
};
const dobby = (one: SpecApp) => {
  const { spec, origins } = dobbyOf(one);
  return rowsOf(origins.explain(spec));
};
const golden = (name: string): SpecApp => GOLDEN_APPS[name] ?? assert.fail(`${name} is no app`);

describe('every field knows its layer', () => {
  test('of our own configuration', () => {
    const rows = oci({
      app: { ...HOST, env: { A: '1' }, mounts: [{ source: '/s', destination: '/opt/a.b/x' }], cwd: '/w' },
    });
    assert.equal(rows.get('process.env[A]'), 'caller app.env.A');
    assert.equal(rows.get('process.env[PATH]'), 'default -');
    assert.equal(rows.get('process.args[0]'), 'default -');
    assert.equal(rows.get('process.args[2]'), 'caller app.args');
    assert.equal(rows.get('process.cwd'), 'caller app.cwd');
    assert.equal(rows.get('linux.resources.memory.limit'), 'caller app.limits.memoryBytes');
    assert.equal(rows.get('linux.resources.pids.limit'), 'default -');
    assert.equal(rows.get('mounts[/opt/a.b/x].source'), 'caller app.mounts[/opt/a.b/x]');
    assert.equal(rows.get('mounts[/data].source'), 'default lease: storage');
    assert.equal(rows.get('process.user.uid'), 'default lease: user id');
  });

  test('of a package', () => {
    const rows = oci(golden('bundle'));
    assert.equal(rows.get('process.env[A]'), 'caller app.env.A');
    assert.equal(rows.get('process.args[2]'), 'package process.args');
    assert.equal(rows.get('mounts[/var/tmp].type'), 'package mounts');
    assert.equal(rows.get('hostname'), 'package hostname');
  });

  test('of the platform, capabilities and the caller', () => {
    const onDevice = oci(golden('own-on-device'));
    assert.equal(onDevice.get('process.env[DEVICE]'), 'platform apps.extraEnvVars');
    assert.equal(onDevice.get('process.env[SHARED]'), 'caller app.env.SHARED');
    assert.equal(onDevice.get('linux.resources.cpu.cpus'), 'platform apps.limits.cpuset');
    assert.equal(onDevice.get('process.env[LD_PRELOAD]'), 'platform ldPreload');
    const rdk = oci(golden('rdk-spec'));
    assert.equal(rdk.get('process.env[MORE]'), 'capability spec');
    assert.equal(rdk.get('mounts[/srv/c].source'), 'capability spec');
    assert.equal(rdk.get('linux.resources.memory.limit'), 'platform apps.limits.memory.defaultLimitBytes');
    assert.equal(rdk.get('process.args[2]'), 'caller runtimeConfigObject.command');
  });

  test('of a Dobby spec, overlays too', () => {
    const rows = dobby(golden('rdk-additionalconfig-granted'));
    assert.equal(rows.get('memLimit'), 'capability additionalconfig');
    assert.equal(rows.get('rdkPlugins.logging.data.sink'), 'capability additionalconfig');
    assert.equal(rows.get('rdkPlugins.ionmemory.data.defaultLimit'), 'platform apps.limits.ion');
    assert.equal(rows.get('dbus.system'), 'platform apps.requireDBus');
    assert.equal(dobby(golden('rdk-spec')).get('mounts[/srv/c].type'), 'capability spec');
    assert.equal(dobby(golden('rdk-additionalconfig')).get('env[ONLY]'), 'capability additionalconfig');
  });
});

/** Each changes one thing that the caller says. */
const CHANGES: Readonly<Record<string, Partial<AppInput>>> = {
  'app.args': { args: ['y'] },
  'app.cwd': { cwd: '/other' },
  'app.env.': { env: { NEW: '1' } },
  'app.limits.memoryBytes': { limits: { memoryBytes: 65 * 2 ** 20 } },
  'app.limits.cpus': { limits: { memoryBytes: 64 * 2 ** 20, cpus: 1 } },
  'app.limits.pids': { limits: { memoryBytes: 64 * 2 ** 20, pids: 9 } },
  'app.limits.swapBytes': { limits: { memoryBytes: 64 * 2 ** 20, swapBytes: 2 ** 20 } },
  'app.limits.cpuShares': { limits: { memoryBytes: 64 * 2 ** 20, cpuShares: 9 } },
  'app.limits.cores': { limits: { memoryBytes: 64 * 2 ** 20, cores: '1' } },
  'app.limits.ioWeight': { limits: { memoryBytes: 64 * 2 ** 20, ioWeight: 99 } },
  'app.limits.openFiles': { limits: { memoryBytes: 64 * 2 ** 20, openFiles: 99 } },
  'app.mounts': { mounts: [{ source: '/s', destination: '/d' }] },
  'app.terminal': { terminal: true },
};

for (const [by, change] of Object.entries(CHANGES)) {
  test(`a change of ${by} changes fields that name it, and no others`, () => {
    const app = { ...HOST, ...change };
    const rows = oci({ app });
    const changed = differences(ociOf({ app: HOST }).config, ociOf({ app }).config);
    assert.ok(changed.length > 0);
    for (const { path, after } of changed) {
      if (after === undefined) continue;
      assert.ok(rows.get(path)?.startsWith(`caller ${by}`), `${path}: ${rows.get(path) ?? ''}`);
    }
  });
}

test('fields are named by what they are, so that an item more does not rename the others', () => {
  const fields = fieldsOf({
    env: ['B=2', 'A=1=1', 'odd', 'A=again'],
    args: ['x'],
    mounts: [{ destination: '/a', options: ['ro'] }],
    e: {},
  });
  assert.deepEqual(Object.fromEntries(fields), {
    'env[B]': '2',
    'env[A]': '1=1',
    'env[2]': 'odd',
    'env[3]': 'A=again',
    'args[0]': 'x',
    'mounts[/a].destination': '/a',
    'mounts[/a].options': ['ro'],
    e: {},
  });
  assert.deepEqual(differences({ env: ['A=1', 'B=2'] }, { env: ['C=3', 'A=1'] }), [
    { path: 'env[B]', before: '2', after: undefined },
    { path: 'env[C]', before: undefined, after: '3' },
  ]);
});

test('an origin stands for all below it that has none of its own, whatever the names hold', () => {
  const origins = new Origins();
  origins.set('mounts[/a.b]', { layer: 'caller', by: 'x' });
  origins.set('linux', { layer: 'platform', by: 'y' });
  assert.equal(origins.of('mounts[/a.b].options[0]').by, 'x');
  assert.equal(origins.of('mounts[/a.b/c].source').layer, 'default');
  assert.equal(origins.of('linux.resources.cpu').by, 'y');
  assert.equal(origins.of('linuxes').layer, 'default');
});
