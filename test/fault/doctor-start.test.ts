/** A daemon that does not start, or does not answer: the doctor names what is in the way, and what it says mends it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../src/domain/health.ts';
import { hostApp, runApp, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { runtimectl, RUNTIMECTL } from '../lib/runtimectl.ts';
import { toolsWith } from '../lib/tools.ts';

async function doctor(root: string, tools = TOOLS): Promise<readonly Finding[]> {
  const { stdout } = await runtimectl(['doctor', '--json'], { root, env: { RUNTIME_MANAGER_TOOLS: tools } });
  return (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings;
}

/** What this machine itself may lack is no matter here. */
const OURS: ReadonlySet<string> = new Set([
  ...['configuration', 'directories', 'socket', 'journal', 'daemon', 'engine', 'hibernation', 'examination'],
]);

const failing = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ check, state }) => state === 'fail' && OURS.has(check)).map(({ check }) => check);

const findingOf = (findings: readonly Finding[], check: string): Finding =>
  findings.find((one) => one.check === check) ?? assert.fail(`nothing of ${check}: ${JSON.stringify(findings)}`);

/** `mv A B` of an advice, done. */
async function moveAway({ next }: Finding): Promise<void> {
  const [, from = '', to = ''] = /mv (\S+) ([^\s)]+)/.exec(next ?? '') ?? assert.fail(`no mv in: ${next ?? ''}`);
  await rename(from, to);
}

async function startFails(daemon: TestDaemon): Promise<string> {
  const { code, stderr } = await daemon.tryAnother();
  assert.equal(code, 1, stderr);
  assert.doesNotMatch(stderr, /unexpected fault|^\s+at /m);
  const left = daemon.traces().filter((line) => !line.startsWith('mount ')); // those are the test's own
  assert.deepEqual(left, [], 'a start that fails leaves nothing');
  return stderr;
}

test('a journal that is damaged, a file where its socket or its logs are to be: each is named, and moved away the daemon starts', async () => {
  await using daemon = await startDaemon();
  const { database, socket, logs } = daemon.places;
  await daemon.stop();
  await rm(`${database}-wal`, { force: true });
  await writeFile(database, 'no database');
  await rm(socket, { force: true });
  await writeFile(socket, '');
  await rm(logs, { recursive: true });
  await writeFile(logs, '');
  assert.match(await startFails(daemon), /state\/logs.*\n.*runtimectl doctor/);

  const findings = await doctor(daemon.root);
  assert.deepEqual(failing(findings), ['directories', 'socket', 'journal', 'daemon']);
  for (const check of ['directories', 'socket', 'journal']) await moveAway(findingOf(findings, check));
  await daemon.start();
});

test('a daemon that hangs has the journal: the doctor names its process, and kill -9 mends it', async () => {
  await using daemon = await startDaemon();
  const { pid } = daemon;
  process.kill(pid, 'SIGSTOP');
  // whatever comes of it: one that is stopped hears no SIGTERM
  const findings = await doctor(daemon.root).finally(() => daemon.kill9());
  assert.deepEqual(failing(findings), ['journal', 'daemon']);
  const { what, next } = findingOf(findings, 'journal');
  assert.match(what, new RegExp(`main\\.mjs.*\\(pid ${pid}\\)`));
  assert.match(next ?? '', new RegExp(`kill -9 ${pid}\\b`));
  assert.match(findingOf(findings, 'daemon').why ?? '', /hangs/);
  await daemon.start();
});

const NOEXEC =
  /state(?:\/inside)? is on \S+state, which is mounted noexec: the program that each app starts with lies there/;

/** What is mounted over the state directory, and how it is mended. */
const DISKS = [
  { options: 'ro', said: /read-only/, mend: 'remount,rw' },
  { options: 'noexec', said: /noexec/, mend: 'remount,exec' },
] as const;

test('a disk that is read-only, one that runs no programs, one without room for files: the remount that is told mends it', async () => {
  await using daemon = await startDaemon();
  const { state } = daemon.places;
  await daemon.stop();
  for (const { options, said, mend } of DISKS) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=700`, 'tmpfs', state]);
    try {
      const told = await startFails(daemon);
      if (options === 'noexec') assert(NOEXEC.test(told) && told.includes(`mount -o ${mend} ${state}`), told);
      const findings = await doctor(daemon.root);
      const found = findingOf(findings, 'directories');
      assert.match(found.what, said);
      assert(found.next?.includes(`mount -o ${mend} ${state}`), found.next ?? '');
      assert.deepEqual(failing(findings), ['directories', 'daemon'], 'nothing else is blamed');
      execFileSync('mount', ['-o', mend, state]);
      await daemon.start();
      await daemon.stop();
    } finally {
      execFileSync('umount', [state]);
    }
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=5,mode=700', 'tmpfs', state]);
  try {
    assert.match(findingOf(await doctor(daemon.root), 'disk').what, /room for \d files/);
    assert.match(await startFails(daemon), /df -i/);
  } finally {
    execFileSync('umount', [state]);
  }
});

/** A state directory on a disk of its own. */
const onOwnDisk = () =>
  startDaemon({
    prepare: async (root) => {
      await mkdir(join(root, 'state'), { mode: 0o700 });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', join(root, 'state')]);
      return () => Promise.resolve(void execFileSync('umount', [join(root, 'state')]));
    },
  });

test('a state directory that becomes noexec is told by problems, by each start and wake and by the next daemon; the remount that they name is enough', async () => {
  await using daemon = await onOwnDisk();
  const { state } = daemon.places;
  const [lives, sleeps] = [await runApp(daemon.client, 'lives', SLEEP), await runApp(daemon.client, 'sleeps', SLEEP)];
  await daemon.client.hibernate({ appInstanceId: sleeps });
  execFileSync('mount', ['-o', 'remount,noexec', state]);
  const refused = uniqueId('refused');
  for (const isNext of [false, true]) {
    if (isNext) await daemon.restart();
    const { client } = daemon;
    const problem = (await client.getHealth()).problems.find(({ code }) => code === 'DISK_UNUSABLE');
    assert.match(`${problem?.what}: ${problem?.why}`, NOEXEC);
    assert(problem?.next.startsWith(`mount -o remount,exec ${state} `), problem?.next);
    await helpfulRefusal(client.run(hostApp(refused, SLEEP)), 'DISK_UNUSABLE', NOEXEC);
    await helpfulRefusal(client.wake({ appInstanceId: sleeps }), 'DISK_UNUSABLE', NOEXEC);
    assert.equal(await stateOf(client, lives), 'RUNNING');
  }
  assert.match(daemon.log(), /"msg":"\S+inside is on \S+state, which is mounted noexec/);
  await daemon.client.kill({ appInstanceId: lives });
  execFileSync('mount', ['-o', 'remount,exec', state]);
  await daemon.client.run(hostApp(refused, SLEEP));
  await daemon.client.wake({ appInstanceId: sleeps });
  assert(!(await daemon.client.getHealth()).problems.some(({ code }) => code === 'DISK_UNUSABLE'));
});

test('a configuration with a wrong word does not keep the doctor from the machine; capabilities that root lacks are named; a runtime that is there and broken is not called missing', async () => {
  await using daemon = await startDaemon();
  await daemon.stop();
  const { config } = daemon.places;
  await rename(config, `${config}.good`);
  await writeFile(config, 'lissten: true\n');
  const broken = await doctor(daemon.root);
  assert.match(findingOf(broken, 'configuration').why ?? '', /line 1: lissten/);
  assert.equal(findingOf(broken, 'tool conmon').state, 'ok');
  assert.deepEqual(failing(broken), ['configuration']);
  const doctorWith = [process.execPath, RUNTIMECTL, '--root', daemon.root, 'doctor', '--json'];
  const confined = spawnSync('setpriv', ['--bounding-set=-sys_ptrace', ...doctorWith], { encoding: 'utf8' });
  const { findings } = JSON.parse(confined.stdout) as { readonly findings: readonly Finding[] };
  assert.match(findingOf(findings, 'capabilities').what, /lacks CAP_SYS_PTRACE here/);

  await rename(`${config}.good`, config);
  await using tools = await toolsWith({ runc: '#!/bin/sh\nexit 1\n', crun: '#!/bin/sh\nexit 1\n' });
  const { what, next } = findingOf(await doctor(daemon.root, tools.path), 'tool runc');
  assert.equal(what, `${tools.path}/runc cannot be run, and ${tools.path}/crun cannot be run`);
  assert.match(next ?? '', /apt-get install runc/);
  await mkdir(daemon.places.state, { recursive: true });
  assert(!(await readdir(daemon.places.state)).some((name) => name.startsWith('.doctor-')), 'its probes are gone');
});
