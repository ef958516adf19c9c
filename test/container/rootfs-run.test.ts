import assert from 'node:assert/strict';
import { chown, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isThere, newBox, smallRoot, UID } from './rootfs-box.ts';

const sh = (script: string) => ({ rootfs: { host: true } as const, args: ['sh', '-c', script] });
const perl = (script: string) => ({ rootfs: { host: true } as const, args: ['perl', '-e', script] });
const lines = (text: string) => text.trimEnd().split('\n');

describe("an app on the host's root", () => {
  test('is its uid, by number and by name, in a group of its own', async () => {
    await using box = await newBox();
    const said = await box.run(sh('id -u; id -g; id -G; id -un; echo $HOME $APPLICATION_NAME $APPLICATION_TOKEN'));
    assert.deepEqual(lines(said), [`${UID}`, `${UID}`, `${UID}`, 'app', '/data com.example.test one']);
  });

  test('has no capability, no new privileges, and a filter for its system calls', async () => {
    await using box = await newBox();
    const status = await box.run(sh('cat /proc/self/status'));
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      assert.match(status, new RegExp(`^Cap${set}:\\t0{16}$`, 'm'));
    }
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
  });

  test('can write to /tmp and /data and nowhere else', async () => {
    await using box = await newBox();
    const places = '/ /usr /etc /var /run /dev /proc/sys/kernel/hostname /sys /tmp /data /dev/shm';
    const said = await box.run(sh(`for d in ${places}; do touch $d/x 2>/dev/null && echo $d; done; true`));
    assert.deepEqual(lines(said), ['/tmp', '/data', '/dev/shm']);
    assert.ok(await isThere(join(box.path, 'storage', 'x')));
  });

  test('has a loopback interface, its host name, and nothing of the network outside', async () => {
    await using box = await newBox();
    const said = await box.run(
      perl(
        'use Socket; socket(S,PF_INET,SOCK_STREAM,0); bind(S,sockaddr_in(0,INADDR_LOOPBACK)) or die; listen(S,1);' +
          'socket(C,PF_INET,SOCK_STREAM,0); connect(C,getsockname(S)) and print "connected\\n";' +
          'print inet_ntoa(inet_aton("box")), "\\n"; open(D,"/proc/net/dev"); print grep { /:/ } <D>',
      ),
    );
    assert.match(said, /^connected\n127\.0\.1\.1\n *lo:[^\n]*\n$/);
  });

  test('may not mount, make namespaces, trace system-wide, or open rare sockets; absent calls are ENOSYS', async () => {
    await using box = await newBox();
    const said = await box.run(
      perl(
        'use Socket; use POSIX; sub try_call { my ($n,@a)=@_; $!=0; syscall($n,@a); print $!+0, " " }' +
          'for (38,40,17,21) { $!=0; socket(S,$_,SOCK_DGRAM,0); print $!+0, " " }' +
          // clone3, io_uring_setup, open_tree, mount_setattr: the same numbers everywhere
          'try_call(435,0,0); try_call(425,1,0); try_call(428,-100,0,0); try_call(442,0,0,0,0,0); print "\\n";' +
          'print system("unshare","-U","true") ? "no\\n" : "yes\\n"; print system("mount","-t","tmpfs","x","/tmp") ? "no\\n" : "yes\\n"',
      ),
    );
    const [errors] = lines(said);
    assert.equal(errors?.trim(), '1 1 1 1 38 38 1 1');
    assert.match(said, /unshare failed: Operation not permitted/);
    assert.equal(lines(said).filter((line) => line === 'no').length, 2);
  });

  test('is not pid 1: that is our init, which reaps what others leave', async () => {
    await using box = await newBox();
    const said = await box.run(
      perl(
        'open(F,"/proc/1/comm"); print <F>; print "parent ", getppid(), "\\n"; pipe(R,W);' +
          // a grandchild, whose parent is gone, ends: nobody but pid 1 can reap it
          'if (!fork) { if (!fork) { select(undef,undef,undef,.05); exit } ; exit } wait; my $t=time+10;' +
          'while (time<$t) { opendir(D,"/proc"); my @p=grep {/^\\d+$/ && $_>1 && $_!=$$} readdir D; last if !@p; select(undef,undef,undef,.02) }' +
          'opendir(D,"/proc"); print join(",", sort grep {/^\\d+$/ && $_!=$$} readdir D), "\\n"',
      ),
    );
    assert.deepEqual(lines(said), ['init', 'parent 1', '1']);
  });

  test('runs the interpreters of the host', async () => {
    await using box = await newBox();
    assert.equal(await box.run(perl('use POSIX; print strftime("%Y", gmtime(0))')), '1970');
    if (await isThere('/usr/bin/python3')) {
      const args = ['/usr/bin/python3', '-c', 'import getpass, ssl, threading; print(getpass.getuser())'];
      assert.equal(await box.run({ rootfs: { host: true }, args }), 'app\n');
    }
  });

  test('sees its mounts, files too, read-only where it was said', async () => {
    await using box = await newBox();
    await mkdir(join(box.path, 'open'));
    await chown(join(box.path, 'open'), UID, UID);
    const file = await box.put('file', 'one file\n', 0o644);
    const said = await box.run({
      ...sh('cat /srv/a/file; touch /srv/open/y && echo wrote; touch /srv/closed/z 2>&1; cat /data/in/file'),
      mounts: [
        { source: file, destination: '/srv/a/file', readOnly: true },
        { source: join(box.path, 'open'), destination: '/srv/open' },
        { source: join(box.path, 'open'), destination: '/srv/closed', readOnly: true },
        { source: file, destination: '/data/in/file' },
      ],
    });
    assert.match(said, /^one file\nwrote\ntouch: .*Read-only file system\none file\n$/);
    assert.deepEqual(await readdir(join(box.path, 'open')), ['y']);
  });

  test('is held by its limits', async () => {
    await using box = await newBox();
    const limits = { memoryBytes: 32 * 2 ** 20, pids: 20, openFiles: 64, cpus: 0.5 };
    const eat = 'ulimit -n; ulimit -c; perl -e \'$x="x" x 200_000_000\' 2>&1 || echo stopped';
    assert.match(await box.run({ ...sh(eat), limits }), /^64\n0\n(Killed\n)?stopped\n/);
  });
});

describe("an app on a root of the user's", () => {
  test('runs with nothing but a shell in it, and the directory stays as it was', async () => {
    await using box = await newBox();
    const root = await smallRoot(box, 'small');
    await symlink('/etc', join(root, 'data'));
    await symlink('/nowhere', join(root, 'proc'));
    const before = await readdir(root);
    const said = await box.run({
      rootfs: { dir: root },
      args: ['/bin/sh', '-c', 'read -r pid rest < /proc/self/stat; echo hello > /data/from-app; echo "$rest"; echo /*'],
    });
    assert.match(said, /^\(sh\) /);
    assert.match(said, /\/bin \/data \/dev .*\/proc \/run \/sys \/tmp/);
    assert.equal(await readFile(join(box.path, 'storage/from-app'), 'utf8'), 'hello\n');
    assert.equal(await isThere('/etc/from-app'), false);
    assert.deepEqual(await readdir(root), before);
  });

  test('a bundle runs its own command with its environment, directory and mounts', async () => {
    await using box = await newBox();
    await smallRoot(box, 'bundle/rootfs');
    await box.put('bundle/conf/text', 'from the bundle');
    const config = {
      ociVersion: '1.0.2',
      root: { path: 'rootfs', readonly: false },
      process: {
        args: [
          '/bin/sh',
          '-c',
          'read -r t < /conf/text; echo "$t"; echo "$NAME $PWD"; echo x > /bin/x || echo closed; echo y > /own/y && echo own',
        ],
        env: ['NAME=value'],
        cwd: '/bin',
        user: { uid: 0, gid: 0 },
        capabilities: { effective: ['CAP_SYS_ADMIN'], bounding: ['CAP_SYS_ADMIN'] },
      },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/conf', type: 'bind', source: 'conf', options: ['rbind', 'ro'] },
        { destination: '/own', type: 'tmpfs', source: 'tmpfs', options: ['mode=700'] },
      ],
    };
    await box.put('bundle/config.json', JSON.stringify(config));
    const said = await box.run({ rootfs: { bundle: join(box.path, 'bundle') } });
    assert.match(said, /^from the bundle\nvalue \/bin\nclosed\nown\n/);
  });
});
