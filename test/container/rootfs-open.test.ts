import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isThere, newBox, refuses, UID, type Box } from './rootfs-box.ts';

const bundle = async (box: Box, config: object | string, name = 'bundle') => {
  await mkdir(join(box.path, name, 'rootfs', 'bin'), { recursive: true });
  await box.put(`${name}/config.json`, typeof config === 'string' ? config : JSON.stringify(config));
  return { rootfs: { bundle: join(box.path, name) } };
};
const GOOD = { ociVersion: '1.0.2', root: { path: 'rootfs' }, process: { args: ['/bin/x'], cwd: '/', env: ['A=1'] } };

describe("the host's root", () => {
  test('has the links of the device, its /usr bound, and an /etc with what programs need', async () => {
    await using box = await newBox();
    const { path, binds, bundle: none } = await box.open({ rootfs: { host: true } });
    assert.equal(none, null);
    assert.ok(binds.some(({ source, destination }) => source === '/usr' && destination === '/usr'));
    assert.ok((await readdir(path)).includes('data'));
    if (await isLink('/bin')) assert.equal(await readlink(join(path, 'bin')), await readlink('/bin'));
    const passwd = binds.find(({ destination }) => destination === '/etc/passwd')?.source ?? '';
    assert.match(await readFile(passwd, 'utf8'), new RegExp(`^app:x:${UID}:${UID}:app:/data:/bin/sh$`, 'm'));
    assert.ok(!(await readdir(join(path, 'etc'))).includes('shadow'));
    assert.deepEqual(await readdir(join(path, 'etc', 'ssl')).then((names) => names.includes('private')), false);
  });

  test('is made once, whoever asks at the same time, and leaves no drafts', async () => {
    await using box = await newBox();
    const all = await Promise.all(Array.from({ length: 8 }, () => box.open({ rootfs: { host: true } })));
    assert.equal(new Set(all.map(({ path }) => path)).size, 1);
    // the root, and the files with the app's names
    assert.equal((await readdir(join(box.path, 'roots'))).length, 2);
  });

  test('gets a place for every mount, a file for a file, and the next app without mounts does not see it', async () => {
    await using box = await newBox();
    const file = await box.put('file');
    const { path } = await box.open({
      rootfs: { host: true },
      mounts: [
        { source: box.path, destination: '/package' },
        { source: file, destination: '/etc/deep/er/file' },
      ],
    });
    assert.deepEqual(await readdir(join(path, 'package')), []);
    assert.equal(await readFile(join(path, 'etc/deep/er/file'), 'utf8'), '');
    const plain = await box.open({ rootfs: { host: true } });
    assert.equal(await isThere(join(plain.path, 'package')), false);
  });

  test('a mount inside /usr opens the directories on the way and binds the rest', async () => {
    await using box = await newBox();
    const { path, binds } = await box.open({
      rootfs: { host: true },
      mounts: [{ source: box.path, destination: '/usr/not-there/here' }],
    });
    assert.ok(await isThere(join(path, 'usr/not-there/here')));
    assert.ok(binds.some(({ destination }) => destination === '/usr/bin'));
    assert.ok(!binds.some(({ destination }) => destination === '/usr'));
    assert.equal(await isThere('/usr/not-there'), false);
  });
});

describe("a directory of the user's", () => {
  test('is taken entry by entry and not touched, with links kept and hostile places replaced', async () => {
    await using box = await newBox();
    await box.put('root/usr/bin/tool');
    await box.put('root/etc/motd');
    await symlink('usr/bin', join(box.path, 'root/bin'));
    await symlink('/etc', join(box.path, 'root/data'));
    const before = await readdir(join(box.path, 'root'));
    const { path, binds } = await box.open({ rootfs: { dir: join(box.path, 'root') } });
    assert.equal(await readlink(join(path, 'bin')), 'usr/bin');
    assert.deepEqual(await readdir(join(path, 'data')), []);
    assert.equal(await isLink(join(path, 'data')), false);
    assert.deepEqual(binds.map(({ destination }) => destination).toSorted(), ['/etc', '/usr']);
    assert.deepEqual(await readdir(join(box.path, 'root')), before);
  });

  test('a mount through a link of the root lands where the link leads inside the root', async () => {
    await using box = await newBox();
    await box.put('root/real/file');
    await symlink('/real', join(box.path, 'root/alias'));
    const { path } = await box.open({
      rootfs: { dir: join(box.path, 'root') },
      mounts: [{ source: box.path, destination: '/alias/new' }],
    });
    assert.deepEqual((await readdir(join(path, 'real'))).toSorted(), ['file', 'new']);
  });

  test('links in a circle on the way to a mount are an error, not a hang', async () => {
    await using box = await newBox();
    await mkdir(join(box.path, 'root'));
    await symlink('/two', join(box.path, 'root/one'));
    await symlink('/one', join(box.path, 'root/two'));
    const app = { rootfs: { dir: join(box.path, 'root') }, mounts: [{ source: box.path, destination: '/one/x' }] };
    await assert.rejects(box.open(app), refuses('BUNDLE_INVALID', /circle/));
  });

  test('what is not a directory, not there, or the whole device is refused', async () => {
    await using box = await newBox();
    const file = await box.put('file');
    await symlink('/', join(box.path, 'all'));
    const open = (dir: string) => box.open({ rootfs: { dir } });
    await assert.rejects(open(file), refuses('BUNDLE_INVALID', /not a directory/));
    await assert.rejects(open(join(box.path, 'none')), refuses('BUNDLE_INVALID', /ENOENT/));
    await assert.rejects(open('/'), refuses('BUNDLE_INVALID', /device's own root/));
    await assert.rejects(open(join(box.path, 'all')), refuses('BUNDLE_INVALID', /device's own root/));
  });

  test('a mount without a source, below a file, or inside another mount without its place is refused', async () => {
    await using box = await newBox();
    const file = await box.put('root/file');
    const open = (...mounts: { source: string; destination: string }[]) =>
      box.open({ rootfs: { dir: join(box.path, 'root') }, mounts });
    const at = (source: string, destination: string) => ({ source, destination });
    await assert.rejects(open(at('/no/such', '/x')), refuses('INVALID_ARGUMENT', /\/no\/such/));
    await assert.rejects(open(at(box.path, '/file/x')), refuses('INVALID_ARGUMENT', /file on the way to it is a file/));
    const inside = [at(join(box.path, 'root'), '/a'), at(file, '/a/missing')];
    await assert.rejects(open(...inside), refuses('INVALID_ARGUMENT', /lies in the mount on \/a/));
    await open(at(join(box.path, 'root'), '/a'), at(file, '/a/file'));
  });
});

describe('a bundle', () => {
  test('is read: command, environment, mounts, and a root beside its config.json', async () => {
    await using box = await newBox();
    await box.put('bundle/cfg/x');
    const mounts = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['gid=5'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' },
      { destination: '/run', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/cfg/', type: 'none', source: 'cfg', options: ['rbind', 'ro', 'noexec', 'suid'] },
      { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['mode=700', 'uid=5', 'size=1m'] },
    ];
    const extra = {
      process: { ...GOOD.process, user: { uid: 0, gid: 0 }, capabilities: { effective: ['CAP_SYS_ADMIN'] } },
    };
    const opened = await box.open(await bundle(box, { ...GOOD, ...extra, mounts, hooks: { prestart: [] } }));
    assert.deepEqual(opened.bundle?.args, ['/bin/x']);
    assert.deepEqual(opened.bundle.env, ['A=1']);
    assert.deepEqual(opened.bundle.mounts, [
      { destination: '/cfg', type: 'bind', source: join(box.path, 'bundle/cfg'), readOnly: true, options: ['noexec'] },
      { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', readOnly: false, options: ['mode=700', 'size=1m'] },
    ]);
    assert.deepEqual(opened.binds, [{ source: join(box.path, 'bundle/rootfs/bin'), destination: '/bin' }]);
    assert.ok(await isThere(join(opened.path, 'scratch')));
  });

  test('whatever is wrong or unsafe in it is refused with the file, the member and the reason', async () => {
    await using box = await newBox();
    const mount = (one: object) => ({ ...GOOD, mounts: [{ destination: '/m', ...one }] });
    const cases: readonly [object | string, RegExp][] = [
      ['{\n  "ociVersion": "1.0.2",\n  "root": {,}\n}', /config\.json is not JSON: line 3/],
      ['{\n  "ociVersion": "1.0.2"\n', /not JSON: line 3/],
      [{ ...GOOD, ociVersion: '2.0.0' }, /ociVersion/],
      [{ ...GOOD, root: {} }, /root\.path/],
      [{ ...GOOD, root: { path: 'none' } }, /none cannot be used/],
      [{ ...GOOD, root: { path: '/' } }, /device's own root/],
      [{ ...GOOD, process: { args: ['x'], user: { username: 'joe' } } }, /process\.user\.username .*user by name/],
      [{ ...GOOD, hooks: { prestart: [{ path: '/bin/evil' }] } }, /hooks\.prestart\[0\]\.path .*as root/],
      [mount({ type: 'overlay', source: 'overlay' }), /mounts\[0\] \(\/m\).*overlay/],
      [mount({ type: 'proc', source: 'proc' }), /usual place/],
      [mount({ type: 'bind' }), /needs a source/],
      [mount({ type: 'bind', source: '/no/such' }), /no\/such/],
      [mount({ type: 'bind', source: '/etc', options: ['idmap'] }), /idmap/],
      [mount({ type: 'bind', source: '/etc', destination: '/data' }), /Runtime Manager's own/],
      [mount({ type: 'bind', source: '/dev/kmsg', destination: '/dev/kmsg' }), /Runtime Manager's own/],
    ];
    for (const [config, words] of cases) {
      await assert.rejects(box.open(await bundle(box, config)), refuses('BUNDLE_INVALID', words), String(words));
    }
    await mkdir(join(box.path, 'empty'));
    const empty = box.open({ rootfs: { bundle: join(box.path, 'empty') } });
    await assert.rejects(empty, refuses('BUNDLE_INVALID', /config\.json does not exist/));
  });

  test('a config.json that is far too big is not read', async () => {
    await using box = await newBox();
    const app = await bundle(box, GOOD);
    await writeFile(join(box.path, 'bundle/config.json'), ' '.repeat(5 * 2 ** 20));
    await chmod(join(box.path, 'bundle/config.json'), 0o644);
    await assert.rejects(box.open(app), refuses('BUNDLE_INVALID', /has 5242880 bytes/));
  });
});

async function isLink(path: string): Promise<boolean> {
  return readlink(path).then(
    () => true,
    () => false,
  );
}
