/** What an OCI bundle can name: real ones of RDK's tools run, hostile ones are refused by name. */
import assert from 'node:assert/strict';
import { chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleGenConfig } from '../lib/rdk-files.ts';
import { newBox, refuses, smallRoot, UID, type Box } from './rootfs-box.ts';

const GOOD = { ociVersion: '1.0.2', root: { path: 'rootfs' }, process: { args: ['/bin/x'] } };
const bind = (source: string, ...options: readonly string[]) => ({
  ...{ destination: '/m', type: 'bind', source },
  options: ['rbind', ...options],
});

async function bundleIn(box: Box, config: object): Promise<{ readonly rootfs: { readonly bundle: string } }> {
  await mkdir(join(box.path, 'bundle/rootfs/bin'), { recursive: true });
  await box.put('bundle/config.json', JSON.stringify(config));
  return { rootfs: { bundle: join(box.path, 'bundle') } };
}

test("a bundle of BundleGen's runs where the device lists what it may show, and says what is left out", async () => {
  await using box = await newBox({ mounts: ['/etc/ssl', '/usr/share/X11'], writableMounts: [] });
  await smallRoot(box, 'bundle/rootfs');
  const script =
    'echo "pid $PPID $XDG_RUNTIME_DIR"; test -d /etc/ssl/certs && echo certificates; echo x > /etc/ssl/x || echo closed';
  const config = bundleGenConfig(['/bin/sh', '-c', script], ['/etc/ssl/certs']);
  const app = await bundleIn(box, config);
  const said = await box.run(app);
  assert.match(said, /^pid 1 \/tmp\ncertificates\n/);
  assert.match(said, /closed/);
  const { bundle } = await box.open(app);
  assert.deepEqual(bundle?.limits, { memoryBytes: 134_217_728, pids: undefined });
  const notes = (bundle?.notes ?? []).join('\n');
  for (const name of [
    'process.capabilities',
    'process.rlimits',
    'linux.devices',
    'linux.resources.devices',
    'hooks of DobbyPluginLauncher',
    'rdkPlugins.networking',
    'rdkPlugins.storage',
    'annotations.run.oci.hooks.stderr',
    '(/sys): the app has its own',
    "(/usr/libexec/DobbyInit): process 1 is Runtime Manager's own",
  ]) {
    assert(notes.includes(name), `${name} in ${notes}`);
  }
});

test("without a list everything of the device that a bundle of BundleGen's names is refused, all at once", async () => {
  await using box = await newBox();
  const app = await bundleIn(box, bundleGenConfig(['/bin/x'], ['/etc/ssl/certs', '/usr/share', '/no/such/library.so']));
  await assert.rejects(
    box.open(app),
    refuses(
      'BUNDLE_INVALID',
      /mounts\[9\] \(\/etc\/ssl\/certs\) its source .* nor in bundles\.mounts.*mounts\[10\] \(\/usr\/share\).*mounts\[11\] \(\/no\/such\/library\.so\) its source \/no\/such\/library\.so does not exist/,
    ),
  );
});

test('an empty list of arguments is filled by the caller, and is an error only without one', async () => {
  await using box = await newBox();
  await smallRoot(box, 'bundle/rootfs');
  const app = await bundleIn(box, { ...GOOD, process: { args: [], cwd: '/' } });
  assert.equal(await box.run({ ...app, args: ['/bin/sh', '-c', 'echo given'] }), 'given\n');
  await assert.rejects(box.configure(app), refuses('INVALID_ARGUMENT', /no command to run/));
});

test('a hostile bundle sees nothing of the device: paths, links, devices, roots, hooks, by whatever name', async () => {
  await using box = await newBox({ mounts: ['/usr/share/zoneinfo'], writableMounts: [] });
  const { path } = box;
  await box.put('bundle/own/file');
  await box.put('secret/file', 'secret');
  await symlink('/', join(path, 'bundle/out'));
  await symlink('../secret', join(path, 'bundle/up'));
  await symlink('/etc', join(path, 'bundle/root-link'));
  const mounts = (...list: readonly object[]) => ({ ...GOOD, mounts: list });
  const cases: readonly (readonly [config: object, words: RegExp])[] = [
    [mounts(bind('/')), /source \/ is not in the bundle/],
    [mounts(bind('/', 'ro')), /source \/ is not in the bundle/],
    [mounts(bind('/usr/share/zoneinfo')), /may be mounted read-only: add "ro"/],
    [mounts(bind('/usr/share/zoneinfo/../../../etc', 'ro')), /source \/etc is not in the bundle/],
    [mounts(bind('../secret', 'ro')), /secret is not in the bundle/],
    [mounts(bind('out', 'ro')), /bundle\/out \(which is \/\) is not in the bundle/],
    [mounts(bind('out/etc/shadow', 'ro')), /which is \/etc\/shadow/],
    [mounts(bind('up/file', 'ro')), /which is .*secret\/file/],
    [mounts({ ...bind('/usr/share/zoneinfo', 'ro'), type: 'none', options: ['bind'] }), /read-only/],
    [mounts(bind('/dev/null', 'ro')), /is a device/],
    [mounts({ destination: '/dev/kmsg', type: 'bind', source: '/dev/kmsg' }), /Runtime Manager's own/],
    [mounts({ destination: '/sys/x', type: 'bind', source: '/etc' }), /Runtime Manager's own/],
    [mounts({ destination: '/m', type: 'ext4', source: '/dev/sda' }), /"ext4" is not allowed/],
    [mounts({ destination: '/m', type: 'overlay', source: 'x', options: ['lowerdir=/'] }), /"overlay" is not allowed/],
    [mounts({ destination: '/m', type: 'tmpfs', options: ['idmap', 'lowerdir=/'] }), /"idmap".*"lowerdir=\/"/],
    [mounts(bind('own'), { ...bind('own/file', 'ro'), destination: '/n' }), /the app may write/],
    [{ ...mounts(bind('own')), root: { path: 'own/root' } }, /root\.path lies in .*own, which the app may write/],
    [{ ...GOOD, root: { path: '/etc' } }, /root\.path \/etc is not in the bundle/],
    [{ ...GOOD, root: { path: '../secret' } }, /root\.path .*secret is not in the bundle/],
    [{ ...GOOD, root: { path: 'root-link' } }, /root\.path \/etc is not in the bundle/],
    [
      { ...GOOD, hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'id'] }] } },
      /hooks\.createRuntime.*as root/,
    ],
  ];
  for (const [config, words] of cases) {
    await assert.rejects(box.open(await bundleIn(box, config)), refuses('BUNDLE_INVALID', words), String(words));
  }
});

test('orders of a bundle to the runtime, the kernel and CRIU are not followed, and named', async () => {
  await using box = await newBox();
  const config = {
    ...GOOD,
    process: {
      args: ['/bin/x'],
      capabilities: { bounding: ['CAP_SYS_ADMIN'] },
      oomScoreAdj: -1000,
      apparmorProfile: 'unconfined',
    },
    annotations: { 'org.criu.config': '/tmp/evil.conf', 'run.oci.handler': 'wasm' },
    linux: {
      namespaces: [{ type: 'network', path: '/proc/1/ns/net' }],
      devices: [{ path: '/dev/mem', type: 'c', major: 1, minor: 1 }],
      resources: { devices: [{ allow: true, access: 'rwm' }], unified: { 'memory.max': 'max' } },
      sysctl: { 'kernel.shmmax': '1' },
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
      cgroupsPath: '/system.slice',
      maskedPaths: [],
      personality: { domain: 'LINUX32' },
    },
    mystery: true,
  };
  const app = await bundleIn(box, config);
  const { bundle } = await box.open(app);
  const named = (bundle?.notes ?? []).map((note) => note.split(' ')[0]);
  assert.deepEqual(named, [
    ...['process.capabilities', 'process.apparmorProfile', 'process.oomScoreAdj', 'linux.devices'],
    ...['linux.resources.devices', 'linux.resources.unified', 'linux.sysctl', 'linux.namespaces', 'linux.cgroupsPath'],
    ...['linux.seccomp', 'linux.personality', 'annotations.org.criu.config', 'annotations.run.oci.handler', 'mystery'],
  ]);
  const made = JSON.stringify(await box.configure(app));
  for (const word of [
    'CAP_SYS_ADMIN',
    '/proc/1/ns',
    '/dev/mem',
    'evil',
    'wasm',
    'shmmax',
    'system.slice',
    'LINUX32',
    '-1000',
  ]) {
    assert(!made.includes(word), `${word} in ${made}`);
  }
});

test('what the device lists may be shown, writable only where it says so; what is in the bundle always', async () => {
  await using box = await newBox();
  for (const name of ['read', 'write', 'bundle/own']) {
    await mkdir(join(box.path, name), { recursive: true });
    await chown(join(box.path, name), UID, UID);
  }
  await using open = await newBox({ mounts: [join(box.path, 'read')], writableMounts: [join(box.path, 'write')] });
  await smallRoot(open, 'bundle/rootfs');
  await mkdir(join(open.path, 'bundle/own'));
  await chown(join(open.path, 'bundle/own'), UID, UID);
  const at = (source: string, destination: string, ...options: readonly string[]) => ({
    ...bind(source, ...options),
    destination,
  });
  const script = 'for d in /read /write /own; do echo x > $d/x && echo "$d open"; done; true';
  const config = {
    ...GOOD,
    process: { args: ['/bin/sh', '-c', script], cwd: '/' },
    mounts: [
      at(join(box.path, 'read'), '/read', 'ro'),
      at(join(box.path, 'write'), '/write'),
      at('own', '/own', 'X-mount.mkdir'),
    ],
  };
  const said = await open.run(await bundleIn(open, config));
  assert.match(said, /\/write open\n\/own open\n/);
  assert.doesNotMatch(said, /\/read open/);
});
