/** Real dumps by runc and CRIU, of an app in a user namespace: the store's files and modes are what a restore needs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { TOOLS } from '../lib/daemon.ts';
import { groupDirectories } from '../lib/machine.ts';
import { until } from '../lib/until.ts';
import { ID, imagesBox, never, ROOT_HOST_ID, subject, wait, type ImagesBox } from './images-box.ts';

const UID = 30_701;
const GROUP = `/runtime-manager-test-${process.pid}`;
/** Two processes. Not a shell: runc's own pause may catch one in vfork(2), where CRIU waits 10 s for it and gives up. */
const COUNTER = `
  fork or exec 'sleep', '1000';
  for (my $i = 1; ; $i++) {
    open my $file, '>', '/tmp/count'; print $file $i; close $file;
    select undef, undef, undef, 0.05;
  }`;

const mappings = [
  { containerID: 0, hostID: ROOT_HOST_ID, size: 1 },
  { containerID: UID, hostID: UID, size: 1 },
];

const config = (path: string): object => ({
  ociVersion: '1.0.2',
  process: {
    user: { uid: UID, gid: UID },
    args: ['/usr/bin/perl', '-e', COUNTER],
    env: ['PATH=/usr/bin'],
    cwd: '/',
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  mounts: [
    { destination: '/usr', source: '/usr', type: 'bind', options: ['rbind', 'ro'] },
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  ],
  annotations: { 'org.criu.config': join(path, 'criu.conf') },
  linux: {
    cgroupsPath: `${GROUP}/${ID}`,
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: mappings,
    gidMappings: mappings,
  },
});

class Bundle implements Disposable {
  readonly #box: ImagesBox;

  constructor(box: ImagesBox) {
    this.#box = box;
  }

  async make(): Promise<void> {
    const { path } = this.#box;
    // the container's root is nobody out here and must be able to enter
    for (const place of [path, dirname(path)]) if (place.includes('rmt-')) chmodSync(place, 0o711);
    const root = join(path, 'rootfs');
    await mkdir(root);
    for (const name of ['usr', 'proc', 'tmp', 'dev']) await mkdir(join(root, name));
    for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
    await writeFile(join(path, 'criu.conf'), 'network-lock skip\ntcp-close\n');
    await writeFile(join(path, 'config.json'), JSON.stringify(config(path)));
  }

  runc(...args: readonly string[]): string {
    return execFileSync(join(TOOLS, 'runc'), ['--root', join(this.#box.path, 'runc'), ...args], {
      env: { PATH: `${TOOLS}:${process.env['PATH'] ?? ''}` },
      // what the app inherits must be no pipe of ours
      stdio: ['ignore', args[0] === 'state' ? 'pipe' : 'ignore', 'ignore'],
      encoding: 'utf8',
      timeout: 20_000,
    });
  }

  count(): number {
    const { pid } = JSON.parse(this.runc('state', ID)) as { pid: number };
    return Number(readFileSync(`/proc/${pid}/root/tmp/count`, 'utf8'));
  }

  dump(directory: string): void {
    this.runc('pause', ID);
    const places = ['--image-path', directory, '--work-path', this.#box.path];
    try {
      this.runc('checkpoint', ...places, '--manage-cgroups-mode=ignore', ID);
    } catch (error) {
      throw new Error(`the dump failed: ${readFileSync(join(this.#box.path, 'dump.log'), 'utf8')}`, { cause: error });
    }
  }

  restore(directory: string): void {
    const places = ['--image-path', directory, '--work-path', this.#box.path, '--bundle', this.#box.path];
    this.runc('restore', '--detach', '--manage-cgroups-mode=ignore', ...places, ID);
  }

  [Symbol.dispose](): void {
    this.runc('delete', '-f', ID);
    for (const path of groupDirectories(GROUP)) execFileSync('rmdir', ['--ignore-fail-on-non-empty', path]);
  }
}

test('an app is dumped into a closed draft and restored from its image: fresh, compressed, and again after it was opened', async () => {
  await using box = await imagesBox();
  using bundle = new Bundle(box);
  await bundle.make();
  bundle.runc('run', '--detach', '--bundle', box.path, ID);
  await until(() => bundle.count() > 2, { what: 'the app counts' });
  for (const packed of [false, true, true]) {
    const { directory } = await box.images.begin(ID, 0);
    const before = bundle.count();
    bundle.dump(directory);
    assert.equal(statSync(directory).mode & 0o7777, 0o700);
    const image = await box.images.commit(ID, { ...subject(), config: config(box.path) });
    if (packed) await box.images.compress(ID, never());
    await box.images.open(ID, wait());
    bundle.restore(image.directory);
    await until(() => bundle.count() > before, { what: 'the app counts on' });
    // nothing of it was changed by the restore: it could be opened again
    await box.images.open(ID, wait());
    await box.images.remove(ID);
  }
});
