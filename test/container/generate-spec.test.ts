import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AppInput } from '../../src/client/node.ts';
import { prepareDaemon, startDaemon } from '../lib/daemon.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

const app: AppInput = {
  rootfs: { host: true },
  args: ['/bin/sleep', '1000'],
  limits: { memoryBytes: 64 * 2 ** 20 },
  env: { A: '1' },
};

test('a dry run gives the very configuration that a run with the same words has, and takes nothing', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const words = { appId: 'clock', appInstanceId: 'clock-1', app };
  const dry = await client.generateSpec({ ...words, explain: true });
  assert.deepEqual([await client.list({ all: true }), (await client.getEvents({ since: 0 })).events], [[], []]);
  await client.run(words);
  const bundle = `${daemon.places.run}/bundles/clock-1/ordered.json`;
  assert.deepEqual(dry.spec, JSON.parse(readFileSync(bundle, 'utf8')));
  const { spec, fields } = await client.generateSpec({ appInstanceId: 'clock-1', explain: true });
  assert.deepEqual(spec, dry.spec);
  assert.deepEqual(fields, dry.fields);
  assert.ok((fields ?? []).some(({ path, layer }) => path === 'process.env[A]' && layer === 'caller'));
  await client.suspend({ appInstanceId: 'clock-1' });
  await client.hibernate({ appInstanceId: 'clock-1' });
  assert.deepEqual((await client.generateSpec({ appInstanceId: 'clock-1' })).spec, dry.spec);
  // the ids of tests are above those that Dobby takes
  const dobby = client.generateSpec({ appInstanceId: 'clock-1', format: 'dobby' });
  await helpfulRefusal(dobby, 'INVALID_ARGUMENT', /Dobby takes no uid/);
  await client.kill({ appInstanceId: 'clock-1' });
  await helpfulRefusal(client.generateSpec({ appInstanceId: 'clock-1' }), 'ILLEGAL_STATE', /has ended/);
  await helpfulRefusal(client.generateSpec({ appInstanceId: 'nobody' }), 'NOT_FOUND', /nobody/);
  await helpfulRefusal(client.generateSpec({ appId: 'clock' }), 'INVALID_ARGUMENT', /nothing says what to run/);
});

const DEVICE = {
  apps: { limits: { memory: { defaultLimitBytes: 50 * 2 ** 20 }, cpuset: '0' }, extraEnvVars: ['DEVICE=yes'] },
};

test("what the device's file says holds in the container; a broken file keeps the daemon from starting", async () => {
  await using daemon = await prepareDaemon();
  const settings = JSON.parse(readFileSync(join(daemon.root, 'config.yaml'), 'utf8')) as object;
  const platform = join(daemon.root, 'device.json');
  await writeFile(platform, `// ours\n${JSON.stringify(DEVICE)}`);
  await writeFile(join(daemon.root, 'config.yaml'), JSON.stringify({ ...settings, platform }));
  await daemon.start();
  const { client } = daemon;
  const runtimeConfigObject = { command: 'sh', appPath: '/bin', appType: 'INTERACTIVE', envVariables: '["X=1"]' };
  const words = { appId: 'rdk', appInstanceId: 'rdk-1' };
  const { fields } = await client.generateSpec({ ...words, runtimeConfigObject, explain: true });
  const layers = Object.fromEntries((fields ?? []).map(({ path, layer }) => [path, layer]));
  assert.equal(layers['linux.resources.memory.limit'], 'platform');
  const args = ['/bin/sh', '-c', 'echo "$DEVICE $(grep Cpus_allowed_list /proc/self/status)"; sleep 1000'];
  await client.run({ appId: 'own', appInstanceId: 'own-1', app: { ...app, args } });
  const lines = async () => (await client.getLogs({ appInstanceId: 'own-1' })).lines;
  await until(async () => (await lines()).length > 0, { what: 'the app has written' });
  assert.match((await lines())[0]?.text ?? '', /^yes Cpus_allowed_list:\s+0$/);
  const own = await client.generateSpec({ appInstanceId: 'own-1', explain: true });
  assert.equal(own.fields?.find(({ path }) => path === 'process.env[DEVICE]')?.layer, 'platform');
  await daemon.stop();
  await writeFile(platform, '{\n  "apps": {\n    "enableIPv6": 1\n  }\n}');
  await assert.rejects(daemon.start(), /device\.json cannot be used: line 3: apps\.enableIPv6 /);
  await writeFile(platform, '{}');
  await daemon.start();
  await daemon.client.kill({ appInstanceId: 'own-1' });
});
