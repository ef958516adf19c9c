/** What Debian's own runtimes need to be told, or must not be given. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitOf, outputOf, runApp, shell, SLEEP, untilSays } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import {
  apart,
  crunOptions,
  crunScript,
  oldCrun,
  oldRunc,
  onlyTools,
  OWN_DEVICES,
  STOCK_RUN,
} from '../lib/old-runtimes.ts';

/** By what a mount of the host is mounted with, what the bind of it must show. */
const FLAGS = {
  noexec: ['noexec', 'relatime'],
  ro: ['ro', 'relatime'],
  noatime: ['noatime'],
  strictatime: [],
  'strictatime,nodiratime': ['nodiratime'],
  'nosuid,nodev,noexec,ro,noatime': ['ro', 'noexec', 'noatime'],
} as const;
const OPTIONS = Object.keys(FLAGS) as readonly (keyof typeof FLAGS)[];

async function scratch() {
  const path = await mkdtemp(join(tmpdir(), 'rmt-m-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** $1: where. */
const MANY_MOUNTS = OPTIONS.map((options, at) => `mount -t tmpfs -o ${options} t "$1/${at}"`).join('; ');

/** Options of each mount of the app below /m, as the kernel tells them. */
const seen = (lines: readonly string[]) =>
  new Map(
    lines.map((line) => line.split(' ')).map(([, , , , point = '', options = '']) => [point, options.split(',')]),
  );

for (const runtime of ['of Debian 12', 'of the set-up'] as const) {
  test(`under the runc ${runtime} every bind mount keeps the flags that its source is mounted with`, async () => {
    await using place = await scratch();
    for (const at of OPTIONS.keys()) await mkdir(join(place.path, String(at)));
    await using tools = await onlyTools({ runc: `#!/bin/sh\nexec ${await oldRunc()} "$@"\n` });
    await using daemon = await startDaemon({
      ...(runtime === 'of Debian 12' && { tools: tools.directory }),
      within: apart(`${STOCK_RUN}; ${MANY_MOUNTS}`, place.path),
    });
    const { client } = daemon;
    const mounts = OPTIONS.map((_, at) => ({ source: `${place.path}/${at}`, destination: `/m/${at}` }));
    // the host's root file system: its passwd and the like are bound from /run
    const id = await runApp(
      client,
      'flags',
      shell('mkdir /data/live; id -un; grep " /m/" /proc/self/mountinfo; echo done; sleep 1000'),
      {
        mounts,
      },
    );
    await untilSays(client, id, 'done');
    const lines = await outputOf(client, id);
    assert.equal(lines[0], 'app');
    const there = seen(lines.slice(1));
    for (const [at, options] of OPTIONS.entries()) {
      const kept = there.get(`/m/${at}`) ?? [];
      assert.deepEqual(
        FLAGS[options].filter((one) => !kept.includes(one)),
        [],
        `${options}: ${kept.join()}`,
      );
      assert(kept.includes('nosuid') && kept.includes('nodev'), kept.join());
    }
    await client.mount({ appInstanceId: id, source: `${place.path}/0`, destination: '/data/live' });
    if (runtime === 'of the set-up') {
      await client.hibernate({ appInstanceId: id });
      await client.wake({ appInstanceId: id });
    }
    await client.kill({ appInstanceId: id });
  });
}

/** The input as the app sees it, whether its mount is one of the container's, and what is read from it. */
const LOOK =
  'readlink /proc/self/fd/0; mount=$(sed -n "s/^mnt_id:[[:space:]]*//p" /proc/self/fdinfo/0); ' +
  'grep -c "^$mount " /proc/self/mountinfo; cat; cat /dev/stdin; echo "read: $?"';

async function inputOf({ client }: TestDaemon): Promise<readonly string[]> {
  const id = await runApp(client, 'input', shell(LOOK));
  await exitOf(client, id);
  return outputOf(client, id);
}

/** crun 1.8 of Debian 12 opens the target of a mount with such an option as a directory (src/libcrun/linux.c, do_mounts). */
test('of a file no runtime is told to mount what is below it', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'files', SLEEP);
  const file = join(daemon.places.run, 'bundles', id, 'config.json');
  const { mounts } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly mounts: readonly { readonly destination: string; readonly options: readonly string[] }[];
  };
  const recursive = (destination: string) =>
    mounts
      .find((mount) => mount.destination === destination)
      ?.options.filter((one) => /^r(o|no)/.test(one) && one !== 'ro');
  assert.deepEqual(recursive('/etc/passwd'), []);
  assert.deepEqual(recursive('/data'), ['rnosuid', 'rnodev']);
});

test("an app's input is at its end, and no open device of the machine: of the container's own, or a closed pipe", async () => {
  await using underRunc = await startDaemon({ config: { runtime: 'runc' } });
  assert.deepEqual(await inputOf(underRunc), ['/dev/null', '1', 'read: 0']);
  await using tools = await onlyTools({ crun: crunScript(`${TOOLS}/crun`) });
  await using underCrun = await startDaemon(crunOptions(tools));
  const [first = '', ...rest] = await inputOf(underCrun);
  assert.match(first, /^pipe:\[\d+\]$/);
  assert.deepEqual(rest, ['0', 'read: 0']);
});

const nodeOf = (pid: number, name = 'null') => {
  const { uid, gid, mode } = statSync(`/proc/${pid}/root/dev/${name}`);
  return { uid, gid, mode: (mode & 0o777).toString(8) };
};
const OPEN = { uid: 0, gid: 0, mode: '666' };

test("under the crun of Debian 13 the machine's device nodes stay the machine's", async () => {
  await using devices = await scratch();
  await using tools = await onlyTools({ crun: crunScript(await oldCrun()) });
  await using daemon = await startDaemon({ ...crunOptions(tools), within: apart(OWN_DEVICES, devices.path) });
  const { client, pid } = daemon;
  assert(statSync(`/proc/${pid}/root/dev/is-a-tests`).isFile());
  for (const terminal of [false, true]) {
    const script = 'chmod 600 /dev/null; chown $(id -u) /dev/null /proc/self/fd/0; echo done; sleep 1000';
    const id = await runApp(client, 'taker', shell(script), { terminal });
    await untilSays(client, id, terminal ? 'done\r' : 'done');
    await client.exec({ appInstanceId: id, args: ['/bin/sh', '-c', 'chmod 600 /dev/null'] });
    for (const name of ['null', 'zero', 'urandom', 'tty']) assert.deepEqual(nodeOf(pid, name), OPEN, name);
    await client.kill({ appInstanceId: id });
  }
});

/** As Debian 13's crun does with a device on its standard streams: src/libcrun/container.c (1.21), maybe_chown_std_streams. */
const takes = (where: string): string =>
  `[ -e /dev/is-a-tests ] || exit 1\n[ ! -e ${where} ] || case " $* " in *" create "*) chown 12345:12345 /dev/null;; esac\n`;

test('an app is not started by a runtime that takes device nodes of the machine, and they are given back', async () => {
  await using devices = await scratch();
  await using tools = await onlyTools({ crun: crunScript(await oldCrun(), takes('/dev/shm/take')) });
  await using daemon = await startDaemon({ ...crunOptions(tools), within: apart(OWN_DEVICES, devices.path) });
  const { client, pid } = daemon;
  const marker = `/proc/${pid}/root/dev/shm/take`;
  await writeFile(marker, '');
  await assert.rejects(runApp(client, 'taken', SLEEP), {
    code: 'ENGINE_UNAVAILABLE',
    what: 'crun took device nodes of this machine for a container: /dev/null belonged to 12345:12345 with mode 666',
  });
  assert.deepEqual(nodeOf(pid), OPEN);
  await rm(marker);
  await runApp(client, 'free', SLEEP);
});

test('where one runtime takes device nodes the other is used', async () => {
  await using devices = await scratch();
  const crun = crunScript(await oldCrun());
  const taking = `#!/bin/sh\n${takes('/dev/null')}exec ${await oldRunc()} "$@"\n`;
  await using tools = await onlyTools({ runc: taking, crun });
  await using daemon = await startDaemon({
    ...crunOptions(tools),
    config: { runtime: 'auto' },
    within: apart(OWN_DEVICES, devices.path),
  });
  assert.equal((await daemon.client.version()).runtime, 'crun');
  assert.deepEqual(nodeOf(daemon.pid), OPEN);
  await runApp(daemon.client, 'sleeper', SLEEP);
});
