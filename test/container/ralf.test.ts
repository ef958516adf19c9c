/** RDK's layered packages (RALF), from real files: a whole life, what they say in force, and hostile ones refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outputOf, uniqueId, untilSays } from '../lib/apps.ts';
import { prepareDaemon, type TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { mountsUnder } from '../lib/machine.ts';
import { programRoot, writeSquashfs } from '../lib/package-images.ts';
import { PACKAGE_EXAMPLE, RALF_BASE_SPEC } from '../lib/rdk-files.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

const mountsOf = (daemon: TestDaemon): readonly string[] =>
  [daemon.directory, `/run/runtime-manager-${daemon.tag}`].flatMap((place) => [...mountsUnder(place)]);
const filesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

const SCRIPT = `cat /etc/words /etc/app /etc/gpu
pwd; echo "temporary $TEMP_STORAGE_PATH"; echo x > here; cat here; while read -r a b c d; do case $b in /rootdir) echo "rootdir $c $d";; esac; done < /proc/mounts
echo "args $*"; echo "env $APP_PACKAGE_VERSION $CLOCK $HOME $CPU_MEMORY_LIMIT $STORAGE_LIMIT $BASE"; echo "json $APP_CONFIG_OVERRIDES_JSON"
touch /etc/x; touch /data/kept && echo kept
echo "zone $(cat /etc/localtime /etc/timezone /usr/share/zoneinfo/Test) thunder $THUNDER_ACCESS"; ls /etc
i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done
`;

type Files = { readonly list: string; readonly platform: string; readonly at: (name: string) => string };

/** A base, an app over it, and a device with a base spec and a GPU layer. */
function makePackages(directory: string, servicePort: number): Files {
  const at = (name: string): string => join(directory, name);
  const write = (name: string, content: unknown): string => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
    return at(name);
  };
  programRoot(at('base'));
  for (const name of ['app', 'gpu/rootfs']) mkdirSync(join(at(name), 'etc'), { recursive: true });
  write('app/etc/app', 'from the app\n');
  // as tzdata installs it
  symlinkSync('/usr/share/zoneinfo/UTC', at('app/etc/localtime'));
  mkdirSync(at('zoneinfo'));
  write('zoneinfo/Test', 'all zones');
  write('localtime', 'this zone');
  write('timeZoneDST', 'its name');
  write('app/etc/script', SCRIPT);
  write('gpu/rootfs/etc/gpu', 'from the device\n');
  write('gpu/config.json', { vendorGpuSupport: { devNodes: ['/dev/mali0'], groupIds: ['video'] } });
  const env = [...RALF_BASE_SPEC.process.env, 'BASE=device', 'HOME=/elsewhere'];
  write('spec.json', { ...RALF_BASE_SPEC, process: { ...RALF_BASE_SPEC.process, env } });
  write('base.json', { packageType: 'base', entryPoint: '/bin/sh' });
  write('app.json', {
    packageType: 'application',
    version: '2',
    versionName: 'two',
    entryPoint: '/etc/script',
    entryArgs: ['a b'],
    permissions: [...PACKAGE_EXAMPLE.permissions, 'urn:rdk:permission:thunder'],
    configuration: {
      'urn:rdk:config:memory': { system: '64M' },
      'urn:rdk:config:storage': { maxLocalStorage: '24M' },
      'urn:rdk:config:env': { CLOCK: 'yes' },
      'urn:rdk:config:network': [{ name: 'own', port: servicePort, protocol: 'tcp', type: 'exported' }],
      'urn:rdk:config:overrides': { application: { theme: 'dark' } },
    },
  });
  const zone = { zoneInfo: at('zoneinfo'), localtime: at('localtime'), timezone: at('timeZoneDST') };
  const platform = write('device.json', { ralf: { baseSpec: at('spec.json'), gpuLayer: at('gpu'), ...zone } });
  const packages = ['base', 'app'].map((name) => ({ pkgMetaDataPath: at(`${name}.json`), pkgMountPath: at(name) }));
  return { list: write('list.json', { packages }), platform, at };
}

async function start(): Promise<
  { readonly daemon: TestDaemon; readonly files: Files; readonly servicePort: number } & AsyncDisposable
> {
  const daemon = await prepareDaemon({ env: { THUNDER_ACCESS: '127.0.0.1:19998' } });
  const servicePort = await freePort();
  const files = makePackages(daemon.directory, servicePort);
  const file = join(daemon.root, 'config.yaml');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...settings, platform: files.platform }));
  await daemon.start();
  return { daemon, files, servicePort, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

test('an app of layered packages runs with what they say, sleeps, outlives a kill of the daemon, wakes and gives all back', async () => {
  await using box = await start();
  const { daemon, files } = box;
  const id = uniqueId('ralf');
  await daemon.client.run({ appId: id, appInstanceId: id, runtimeConfigObject: { ralfPkgPath: files.list } });
  const { notes } = await daemon.client.getInfo({ appInstanceId: id });
  for (const name of ['linux.resources.cpu', 'rdkPlugins.networking', 'process.rlimits', 'permission:compositor']) {
    assert(
      notes.some((note) => note.includes(name)),
      `${name} in ${notes.join('; ')}`,
    );
  }
  await untilSays(daemon.client, id, '5');
  const said = (await outputOf(daemon.client, id)).join('\n');
  assert.match(said, /^from the package\nfrom the app\nfrom the device$/m);
  assert.match(said, /^args a b$/m);
  assert.match(said, /^\/rootdir\ntemporary \/rootdir\nx$/m);
  assert.match(said, /^rootdir tmpfs .*noexec.*size=10240k/m);
  const { network, mounts } = await daemon.client.getInfo({ appInstanceId: id });
  assert.equal(network.mode, 'nat', 'the permission is urn:rdk:permission.internet, with a point');
  const service = { host: box.servicePort, app: box.servicePort, protocol: 'tcp', address: '127.0.0.1' };
  assert.deepEqual(network.ports, [service]);
  assert.match(said, /^zone this zoneits nameall zones thunder 127\.0\.0\.1:19998$/m);
  assert.match(said, /^localtime$/m);
  assert(mounts.every(({ readOnly }) => readOnly));
  assert.match(said, new RegExp(`^env two_2 yes /data ${64 * 2 ** 20} ${24 * 2 ** 20} device$`, 'm'));
  assert.match(said, /^json \{"theme":"dark"\}$/m);
  assert.match(said, /Read-only file system/);
  assert.match(said, /^kept$/m);
  const limitBytes = (await daemon.client.getInfo({ appInstanceId: id })).storageUse?.limitBytes ?? 0;
  assert(limitBytes > 16 * 2 ** 20 && limitBytes <= 24 * 2 ** 20, String(limitBytes));
  await daemon.client.hibernate({ appInstanceId: id });
  const count = async () => Number((await outputOf(daemon.client, id)).at(-1) ?? 0);
  const before = await count();
  // what it sleeps with is known: its files are not read again
  rmSync(files.list);
  await daemon.kill9();
  await daemon.start();
  await daemon.client.wake({ appInstanceId: id });
  await until(async () => (await count()) > before, { what: 'it counts on' });
  await daemon.client.kill({ appInstanceId: id });
  assert.deepEqual(mountsOf(daemon), []);
  assert.deepEqual(filesIn(`${daemon.places.packages}/holds`), []);
});

test('files that are missing, hostile or wrong are refused by name, and nothing is left', async () => {
  await using box = await start();
  const { daemon, files } = box;
  const { at } = files;
  const list = (name: string, content: unknown): string => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
    return at(name);
  };
  const one = (pkgMetaDataPath: string, pkgMountPath = at('base')) => ({
    packages: [{ pkgMetaDataPath, pkgMountPath }],
  });
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('huge'), '');
  truncateSync(at('huge'), 2 ** 40);
  symlinkSync('loop', at('loop'));
  const deep = list('deep', `{"configuration":{"urn:rdk:config:overrides":{"application":${'{"a":'.repeat(1e5)}`);
  const cases: readonly (readonly [path: string, words: RegExp])[] = [
    ['relative', /relative .*no absolute path/],
    [at('gone'), /gone .*is not there/],
    [at('base'), /base is no plain file/],
    [at('pipe'), /pipe is no plain file/],
    ['/dev/zero', /zero is no plain file/],
    [at('loop'), /loop cannot be read/],
    [at('huge'), /huge has 1099511627776 bytes/],
    ['/proc/kallsyms', /kallsyms .*is not JSON$/],
    ['/etc/shadow', /shadow .*is not JSON$/],
    [list('empty', { packages: [] }), /empty .*packages /],
    [list('many', { packages: Array(40).fill(one(at('base.json')).packages[0]) }), /many .*packages /],
    [list('up', one(`${at('base')}/../base.json`)), /up .*packages\[0\]\.pkgMetaDataPath must not contain "\.\."/],
    [list('mount', one(at('base.json'), 'base')), /mount .*packages\[0\]\.pkgMountPath must be an absolute path/],
    [list('deeper', one(deep)), /deep .*nested deeper/],
    [list('number', one(list('n', { entryPoint: 5 }))), /n .*entryPoint /],
    [
      list(
        'memory',
        one(list('m', { entryPoint: '/bin/sh', configuration: { 'urn:rdk:config:memory': { system: 'lots' } } })),
      ),
      /m .*urn:rdk:config:memory.*must be a size/,
    ],
    [list('silent', one(list('s', {}))), /silent .*has an entryPoint/],
    [list('away', one(at('base.json'), at('not-there'))), /not-there .*cannot be used as a layer/],
    [list('root', one(at('base.json'), '/')), /the device's own root/],
  ];
  for (const [ralfPkgPath, words] of cases) {
    const id = uniqueId('ralf');
    const ran = daemon.client.run({ appId: id, appInstanceId: id, runtimeConfigObject: { ralfPkgPath } });
    await helpfulRefusal(ran, 'BUNDLE_INVALID', words);
  }
  assert.deepEqual(mountsOf(daemon), []);
  assert.deepEqual(filesIn(`${daemon.places.packages}/holds`), []);
});

test('a capability mounts what the device lists, and no symbolic link in it that leads elsewhere', async () => {
  await using box = await start();
  const { daemon, files } = box;
  mkdirSync(files.at('shared'));
  writeFileSync(files.at('shared/file'), 'shared\n');
  symlinkSync('/etc', files.at('shared/link'));
  await daemon.stop();
  const device = JSON.parse(readFileSync(files.platform, 'utf8')) as object;
  const apps = { overlays: { mountSources: [files.at('shared')] } };
  writeFileSync(files.platform, JSON.stringify({ ...device, apps }));
  await daemon.start();
  const ran = (source: string) => {
    const id = uniqueId('extra');
    const words = { ralfPkgPath: files.list, capabilities: `extramounts=${source}:/srv/extra` };
    return daemon.client.run({ appId: id, appInstanceId: id, runtimeConfigObject: words });
  };
  await ran(files.at('shared/file'));
  await helpfulRefusal(
    ran(files.at('shared/link')),
    'PERMISSION_DENIED',
    /extramounts .*lets no capability mount \/etc$/,
  );
});

test('a package and data that are directories are mounted; images in their place are refused by name', async () => {
  await using box = await start();
  const { daemon, files } = box;
  const { at } = files;
  const package_ = at('package');
  mkdirSync(package_);
  writeFileSync(
    join(package_, 'start'),
    '#!/bin/sh\ncat /home/private/old; echo new > /home/private/new; exec sleep 1000\n',
    {
      mode: 0o755,
    },
  );
  const data = at('data');
  mkdirSync(data);
  writeFileSync(join(data, 'old'), 'it was there\n');
  chmodSync(data, 0o777);
  const id = uniqueId('data');
  const words = { command: 'start', appPath: package_, unpackedPath: data };
  await daemon.client.run({ appId: id, appInstanceId: id, runtimeConfigObject: words });
  await untilSays(daemon.client, id, 'it was there');
  await until(() => existsSync(join(data, 'new')), { what: 'the app wrote its data' });
  await daemon.client.kill({ appInstanceId: id });
  writeSquashfs(package_, at('package.squashfs'));
  for (const [member, path] of [
    ['appPath', at('package.squashfs')],
    ['runtimePath', at('package.squashfs')],
    ['unpackedPath', at('package.squashfs')],
    ['unpackedPath', at('gone')],
  ] as const) {
    const runtimeConfigObject = { ...words, unpackedPath: '', [member]: path };
    const ran = daemon.client.run({ appId: id, appInstanceId: id, runtimeConfigObject });
    await helpfulRefusal(ran, 'NOT_SUPPORTED', new RegExp(`runtimeConfigObject.${member} that is no directory`));
  }
  assert.deepEqual(mountsOf(daemon), []);
});
