import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppInput } from '../../src/domain/app.ts';
import { INIT_POINT, INSIDE_POINT } from '../../src/domain/rootfs.ts';
import { commandQuery, ociConfig } from '../../src/spec/oci-config.ts';
import { BUNDLE, input, refuses } from '../lib/oci-input.ts';
import { ociSchemaErrors } from '../lib/oci-schema.ts';

const SLEEP: AppInput = { rootfs: { host: true }, args: ['sleep', '9'] };
describe('the OCI configuration', () => {
  test('is what the OCI schema asks for, with every kind of root and every limit', () => {
    const limits = {
      ...{ memoryBytes: 64 * 2 ** 20, swapBytes: 4096, cpus: 0.5, pids: 7, openFiles: 99 },
      ...{ cpuShares: 99, cores: '0-1', ioWeight: 100 },
    };
    const mounts = [{ source: '/srv/x', destination: '/opt/x', readOnly: true }];
    for (const one of [
      input(SLEEP),
      input({ rootfs: { dir: '/srv/root' }, args: ['/bin/sh'], limits, mounts, terminal: true }),
      input({ rootfs: { bundle: '/b' } }, { rootfs: BUNDLE, architecture: 'arm64' }),
    ]) {
      assert.deepEqual(ociSchemaErrors(ociConfig(one)), []);
    }
  });

  test('the schema check itself finds faults', () => {
    const { process, ...rest } = ociConfig(input(SLEEP));
    assert.notDeepEqual(ociSchemaErrors({ ...rest, process: { ...process, cwd: 7 } }), []);
  });

  test('the command runs under our init, which is mounted last and read-only', () => {
    const { process, mounts } = ociConfig(input(SLEEP));
    assert.deepEqual(process.args, [INIT_POINT, '--', 'sleep', '9']);
    const { destination, source, options = [] } = mounts.at(-1) ?? {};
    assert.deepEqual([destination, source, options.includes('ro')], [INSIDE_POINT, '/run/rm/inside/a', true]);
    assert.ok(mounts.findIndex(({ destination }) => destination === '/run') < mounts.length - 1);
  });

  test('the app has one id inside and outside, and an unused id is the root of its namespace', () => {
    const { process, linux } = ociConfig(input(SLEEP));
    assert.deepEqual(process.user, { uid: 30001, gid: 30002 });
    assert.deepEqual(linux.uidMappings, [
      { containerID: 0, hostID: 230001, size: 1 },
      { containerID: 30001, hostID: 30001, size: 1 },
    ]);
    assert.deepEqual(linux.gidMappings, [
      { containerID: 0, hostID: 230002, size: 1 },
      { containerID: 30002, hostID: 30002, size: 1 },
    ]);
  });

  test('root is refused as an identity, and so is an app that is its own container root', () => {
    for (const identity of [
      { uid: 0, gid: 1, rootHostUid: 2, rootHostGid: 2 },
      { uid: 1, gid: 0, rootHostUid: 2, rootHostGid: 2 },
      { uid: 1, gid: 1, rootHostUid: 0, rootHostGid: 2 },
      { uid: 2, gid: 1, rootHostUid: 2, rootHostGid: 3 },
    ]) {
      assert.throws(() => ociConfig(input(SLEEP, { identity })), refuses('INVALID_ARGUMENT', /cannot run as uid/));
    }
  });

  test('environment: defaults, then the bundle, then our names, then the app; no name twice', () => {
    const app: AppInput = { rootfs: { bundle: '/b' }, env: { B: 'app', APPLICATION_TOKEN: 'mine', C: 'x=y' } };
    const { env } = ociConfig(input(app, { rootfs: BUNDLE })).process;
    assert.deepEqual(Object.fromEntries(env.map((line) => line.split(/=(.*)/s).slice(0, 2))), {
      PATH: '/bin',
      HOME: '/data',
      RUNTIME_MANAGER_WAKE: '/run/runtime-manager/wake.json',
      A: 'later',
      B: 'app',
      APPLICATION_NAME: 'com.example.app',
      APPLICATION_TOKEN: 'mine',
      C: 'x=y',
    });
    assert.equal(new Set(env.map((line) => line.split('=')[0])).size, env.length);
    assert.ok(
      ociConfig(input(SLEEP)).process.env.includes('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
    );
    assert.ok(ociConfig(input({ ...SLEEP, terminal: true })).process.env.includes('TERM=xterm'));
  });

  test('limits become resources; without them there is still a limit of processes', () => {
    assert.deepEqual(ociConfig(input(SLEEP)).linux.resources, {
      devices: [{ allow: false, access: 'rwm' }],
      pids: { limit: 1024 },
    });
    const { linux, process } = ociConfig(
      input({ ...SLEEP, limits: { memoryBytes: 8_000_000, cpus: 1.5, pids: 3, openFiles: 64 } }),
    );
    assert.deepEqual(linux.resources, {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 8_000_000, swap: 8_000_000 },
      cpu: { quota: 150_000, period: 100_000 },
      pids: { limit: 3 },
    });
    assert.deepEqual(process.rlimits, [
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_NOFILE', soft: 64, hard: 64 },
    ]);
  });

  test("a bundle brings command, directory and mounts, but not its annotations; the app's own words win", () => {
    const config = ociConfig(input({ rootfs: { bundle: '/b' } }, { rootfs: BUNDLE }));
    assert.deepEqual(config.process.args.slice(2), ['/bin/app', '--fast']);
    assert.equal(config.process.cwd, '/bin');
    assert.deepEqual(Object.keys(config.annotations), ['io.runtime-manager.app', 'io.runtime-manager.instance']);
    const bound = config.mounts.find(({ destination }) => destination === '/opt/data');
    assert.ok(
      bound !== undefined && ['ro', 'rro', 'nosuid', 'nodev', 'noexec'].every((one) => bound.options.includes(one)),
    );
    const tmpfs = config.mounts.find(({ destination }) => destination === '/var/tmp');
    assert.ok(
      tmpfs !== undefined && ['uid=30001', 'gid=30002', 'mode=700'].every((one) => tmpfs.options.includes(one)),
    );
    const own = ociConfig(
      input(
        { rootfs: { bundle: '/b' }, args: ['/x'], cwd: '/', mounts: [{ source: '/s', destination: '/opt/data' }] },
        { rootfs: BUNDLE },
      ),
    );
    assert.deepEqual(own.process.args.slice(2), ['/x']);
    assert.equal(own.process.cwd, '/');
    assert.deepEqual(
      own.mounts.filter(({ destination }) => destination === '/opt/data').map(({ source }) => source),
      ['/s'],
    );
  });

  test('an app without a command is refused', () => {
    assert.throws(() => ociConfig(input({ rootfs: { host: true } })), refuses('INVALID_ARGUMENT', /no command/));
  });

  test("a mount of the app on a place of ours is refused, whatever its spelling; a file's name below is not", () => {
    for (const destination of [
      '/proc',
      '/dev/dri',
      '/sys/',
      '/run',
      '//data/',
      '/run/runtime-manager/init',
      '/./proc/x',
    ]) {
      const app = { ...SLEEP, mounts: [{ source: '/s', destination }] };
      assert.throws(() => ociConfig(input(app)), refuses('INVALID_ARGUMENT', /nothing can be mounted/), destination);
    }
    for (const destination of ['/data/x', '/run/x', '/procs', '/etc/hosts']) {
      assert.ok(ociConfig(input({ ...SLEEP, mounts: [{ source: '/s', destination }] })), destination);
    }
  });

  test('two mounts on one place are refused; one on /tmp replaces ours; parents come before children', () => {
    const twice = {
      ...SLEEP,
      mounts: [
        { source: '/a', destination: '/x' },
        { source: '/b', destination: '/x/' },
      ],
    };
    assert.throws(() => ociConfig(input(twice)), refuses('INVALID_ARGUMENT', /two mounts/));
    const nested = {
      ...SLEEP,
      mounts: [
        { source: '/a', destination: '/tmp/x' },
        { source: '/b', destination: '/tmp' },
      ],
    };
    const below = ociConfig(input(nested)).mounts.filter(({ destination }) => destination.startsWith('/tmp'));
    assert.deepEqual(
      below.map(({ source }) => source),
      ['/b', '/a'],
    );
  });

  test('the question for the command names what can be looked into and what cannot', () => {
    const query = commandQuery(ociConfig(input(SLEEP)));
    assert.equal(query.command, 'sleep');
    assert.deepEqual(query.binds[0], { source: '/usr', destination: '/usr' });
    assert.ok(query.opaque.includes('/tmp') && !query.opaque.includes('/data'));
    assert.match(query.searchPath, /^\/usr\/local\/sbin:/);
  });
});
