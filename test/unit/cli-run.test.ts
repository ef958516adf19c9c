import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { runtimectl } from '../lib/runtimectl.ts';

const json = (text: string): unknown => JSON.parse(text);

test('run prints the id and nothing else', async () => {
  await using daemon = await fakeDaemon();
  const own = await runtimectl(['run', 'clock', '--host-rootfs', '--instance', 'clock-1', '--', 'sleep', '9'], daemon);
  assert.deepEqual(own, { code: 0, stdout: 'clock-1\n', stderr: '' });
  const made = await runtimectl(['run', 'clock', '--host-rootfs', '--json'], daemon);
  assert.match((json(made.stdout) as { appInstanceId: string }).appInstanceId, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});

test('run turns its options into the description of the app', async () => {
  await using daemon = await fakeDaemon();
  const words =
    'run clock --instance i --bundle box --env A=1 --env B=x=y --memory 64M --cpus 0.5 --pids 20 --network nat ' +
    '--port 8080:80 --port 5353:53/udp --display 1280x720 --mount src:/a --mount /abs:/b:ro --hibernatable --restart on-failure:3 --grace 1.5s ' +
    '-- /bin/sh -c --json';
  assert.equal((await runtimectl(words.split(' '), { root: daemon.root, cwd: '/tmp' })).code, 0);
  assert.deepEqual(daemon.world.runs, [
    {
      appId: 'clock',
      appInstanceId: 'i',
      app: {
        rootfs: { bundle: '/tmp/box' },
        args: ['/bin/sh', '-c', '--json'],
        env: { A: '1', B: 'x=y' },
        limits: { memoryBytes: 64 * 2 ** 20, cpus: 0.5, pids: 20 },
        network: 'nat',
        ports: [
          { host: 8080, app: 80, protocol: 'tcp' },
          { host: 5353, app: 53, protocol: 'udp' },
        ],
        display: { width: 1280, height: 720, capabilities: [], required: true },
        mounts: [
          { source: '/tmp/src', destination: '/a', readOnly: false },
          { source: '/abs', destination: '/b', readOnly: true },
        ],
        hibernation: { enabled: true, tcp: 'close' },
        restart: { policy: 'on-failure', maxRetries: 3, backoffMs: 1000, maxBackoffMs: 60_000, resetAfterMs: 60_000 },
        storage: {},
        terminal: false,
        terminateGraceMs: 1500,
      },
    },
  ]);
});

for (const [name, text] of [
  [
    'app.json',
    '{"rootfs":{"host":true},"args":["a"],"env":{"A":"file","C":"3"},"limits":{"pids":9},"mounts":[{"source":"/x","destination":"/a"}]}',
  ],
  [
    'app.yaml',
    'rootfs: {host: true}\nargs: [a]\nenv: {A: file, C: "3"}\nlimits: {pids: 9}\nmounts:\n  - {source: /x, destination: /a}\n',
  ],
] as const) {
  test(`run takes the description from ${name}, and options override it member by member`, async () => {
    await using daemon = await fakeDaemon();
    await writeFile(join(daemon.root, name), text);
    const words = [
      'run',
      'clock',
      '--config',
      name,
      '--env',
      'A=option',
      '--memory',
      '10M',
      '--mount',
      '/y:/a',
      '--',
      'b',
      'c',
    ];
    assert.equal((await runtimectl(words, { root: daemon.root, cwd: daemon.root })).code, 0);
    const [{ app }] = daemon.world.runs as [{ app: Record<string, unknown> }];
    assert.deepEqual(app['rootfs'], { host: true });
    assert.deepEqual(app['args'], ['b', 'c']);
    assert.deepEqual(app['env'], { A: 'option', C: '3' });
    assert.deepEqual(app['limits'], { pids: 9, memoryBytes: 10 * 2 ** 20 });
    assert.deepEqual(app['mounts'], [{ source: '/y', destination: '/a', readOnly: false }]);
  });
}

test('what is wrong with the words of run is said before the daemon is asked', async () => {
  const bad: readonly (readonly [words: string, complaint: RegExp])[] = [
    ['run clock', /root file system/],
    ['run clock --host-rootfs --bundle x', /more than one root file system/],
    ['run clock --host-rootfs --env NOVALUE', /--env cannot be "NOVALUE"\n {2}next: write --env as NAME=value/],
    ['run clock --host-rootfs --memory lots', /"lots" is not a size/],
    ['run clock --host-rootfs --cpus many', /--cpus/],
    ['run clock --host-rootfs --pids -1', /--pids|unknown option/],
    ['run clock --host-rootfs --port 80', /--port cannot be "80"/],
    ['run clock --host-rootfs --display big', /--display/],
    ['run clock --host-rootfs --mount /a', /--mount/],
    ['run clock --host-rootfs --grace soon', /--grace/],
    ['run clock --host-rootfs --network wifi', /Allowed choices are none, nat, host/],
    ['run clock --config /does/not/exist', /\/does\/not\/exist does not describe an app: ENOENT/],
    ['run', /missing required argument 'appId'/],
  ];
  await Promise.all(
    bad.map(async ([words, complaint]) => {
      const { code, stdout, stderr } = await runtimectl(words.split(' '));
      assert.deepEqual([code, stdout], [2, ''], words);
      assert.match(stderr, complaint);
      assert.match(stderr, /^runtimectl: .+\n {2}next: .+\n$/s);
    }),
  );
});

test('a YAML file that is wrong is refused with line and column', async () => {
  await using daemon = await fakeDaemon();
  await writeFile(join(daemon.root, 'bad.yaml'), 'rootfs: {host: true\nargs: [');
  const { code, stderr } = await runtimectl(['run', 'clock', '--config', join(daemon.root, 'bad.yaml')], daemon);
  assert.equal(code, 2);
  assert.match(stderr, /at line 2, column/);
});

test('a daemon that ends in the midst of a run leaves the id to ask for', async () => {
  await using daemon = await fakeDaemon();
  const called = Promise.withResolvers<undefined>();
  Object.assign(daemon.service(), {
    run: () => {
      called.resolve(undefined);
      return new Promise(() => undefined);
    },
  });
  const outcome = runtimectl(['run', 'clock', '--host-rootfs', '--instance', 'one'], daemon);
  await called.promise;
  await daemon.stop();
  const { code, stderr } = await outcome;
  assert.equal(code, 22);
  assert.match(stderr, /one may run or not: the answer was lost/);
  assert.match(stderr, /next: runtimectl info one tells/);
});
