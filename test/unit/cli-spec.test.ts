import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GeneratedSpec } from '../../src/domain/spec.ts';
import { fakeDaemon, type FakeDaemon } from '../lib/fake-daemon.ts';
import { runtimectl } from '../lib/runtimectl.ts';

type Asked = { readonly appInstanceId?: string; readonly format: string; readonly app?: { readonly env: object } };

/** Answers with what it was asked, as if that were a specification. */
async function withSpecs(): Promise<FakeDaemon & { readonly asked: Asked[] }> {
  const daemon = await fakeDaemon();
  const asked: Asked[] = [];
  const generateSpec = (params: Asked): Promise<GeneratedSpec> => {
    asked.push(params);
    const env = Object.entries(params.app?.env ?? { OLD: '1' }).map(([name, value]) => `${name}=${String(value)}`);
    const fields = [{ path: 'env[A]', value: '1', layer: 'caller' as const, by: 'app.env.A' }];
    return Promise.resolve({ format: 'oci', spec: { ociVersion: '1.1.0', env }, ignored: ['paths'], fields });
  };
  Object.assign(daemon.service(), { generateSpec });
  return Object.assign(daemon, { asked });
}

test('spec takes the words of run and prints what could be written into a file', async () => {
  await using daemon = await withSpecs();
  const { code, stdout, stderr } = await runtimectl(
    ['spec', 'clock', '--host-rootfs', '--env', 'A=1', '--', '/bin/x'],
    daemon,
  );
  assert.deepEqual([code, JSON.parse(stdout)], [0, { ociVersion: '1.1.0', env: ['A=1'] }]);
  assert.equal(stderr, 'changes nothing: paths\n');
  assert.partialDeepStrictEqual(daemon.asked[0], {
    appId: 'clock',
    format: 'oci',
    explain: false,
    app: { args: ['/bin/x'] },
  });
});

test('a bare id is an instance; --dobby and --explain are handed on, and --json is the whole answer', async () => {
  await using daemon = await withSpecs();
  const { stdout } = await runtimectl(['spec', 'clock-1', '--dobby', '--explain', '--json'], daemon);
  assert.equal((JSON.parse(stdout) as GeneratedSpec).ignored[0], 'paths');
  assert.deepEqual(daemon.asked, [{ appInstanceId: 'clock-1', format: 'dobby', explain: true }]);
  const table = await runtimectl(['spec', 'clock-1', '--explain'], daemon);
  assert.match(table.stdout, /^FIELD +VALUE +LAYER +BY\nenv\[A\] +"1" +caller +app\.env\.A\n$/);
});

test('--diff compares with an instance under its own name, with a specification, and with another description', async () => {
  await using daemon = await withSpecs();
  const words = ['spec', 'clock', '--host-rootfs', '--env', 'A=1'];
  const instance = await runtimectl([...words, '--diff', 'clock-1'], daemon);
  assert.equal(instance.stdout, '- env[OLD]: "1"\n+ env[A]: "1"\n');
  assert.deepEqual(
    daemon.asked.map(({ appInstanceId }) => appInstanceId),
    ['clock-1', 'clock-1'],
  );
  await writeFile(join(daemon.root, 'config.json'), '{"ociVersion": "1.1.0", "env": ["A=2"]}');
  const file = await runtimectl([...words, '--diff', 'config.json', '--json'], { root: daemon.root, cwd: daemon.root });
  assert.deepEqual(JSON.parse(file.stdout), [{ path: 'env[A]', before: '2', after: '1' }]);
  await writeFile(join(daemon.root, 'app.yaml'), 'rootfs: {host: true}\nenv: {A: "1"}\n');
  const same = await runtimectl([...words, '--diff', join(daemon.root, 'app.yaml')], daemon);
  assert.deepEqual([same.code, same.stdout, same.stderr], [0, '', 'changes nothing: paths\nno difference\n']);
  const gone = await runtimectl([...words, '--diff', './gone.yaml'], daemon);
  assert.equal(gone.code, 2);
  assert.match(gone.stderr, /gone\.yaml is no specification and no description of an app: ENOENT/);
});

test("RDK's words come from a file, alone; what the daemon finds wrong in a file is told with its line", async () => {
  await using daemon = await fakeDaemon();
  const file = join(daemon.root, 'rdk.yaml');
  await writeFile(file, 'ports: [3473]\nruntimeConfigObject:\n  command: x\n  gpuMemoryLimit: big\n');
  for (const name of ['run', 'spec']) {
    const { code, stderr } = await runtimectl([name, 'clock', '--config', file], daemon);
    assert.equal(code, 2);
    assert.match(stderr, /rdk\.yaml describes no app that can be run: line 4: runtimeConfigObject\.gpuMemoryLimit /);
    const mixed = await runtimectl([name, 'clock', '--config', file, '--memory', '1G'], daemon);
    assert.match(mixed.stderr, /has a runtimeConfigObject, and --memory does not go with it/);
  }
  await writeFile(file, 'runtimeConfigObject: {command: x}\nenv: {}\n');
  assert.match(
    (await runtimectl(['run', 'clock', '--config', file], daemon)).stderr,
    /has "env" beside a runtimeConfigObject/,
  );
  await writeFile(file, 'rootfs:\n  host: true\nenv:\n  "A B": 1\nlimits:\n  cpu: 2\n');
  const { stderr } = await runtimectl(['run', 'clock', '--config', file], daemon);
  assert.match(stderr, /line 4: env\."A B" .*; line 6: limits\.cpu is not a known member/);
});
