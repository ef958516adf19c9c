/** The disk becomes full at one moment after another of the lives of apps and of the daemon; there is room again, and everything holds. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { checkNothingLeft } from '../campaign/machine-checks.ts';
import { exitOf, hostApp, pidOf, runApp, runAgain, shell, SLEEP, stateOf, uniqueId, untilSays } from '../lib/apps.ts';
import { TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { allEvents, checkHistory, runsOf } from '../lib/history.ts';
import { isAlive, processesWith } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { fill, onSmallDisk } from '../lib/small-disk.ts';
import { toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

/** Fills the disk before or after one command for one container, as a neighbour does that takes the last of the room in that moment. */
const FILLING_RUNC = `#!/bin/sh
own=$(dirname "$0")
for word in "$@"; do case $word in create|start|checkpoint|restore) command=$word;; esac; done
read -r moment id filling < "$own/moment" || exec ${join(TOOLS, 'runc')} "$@"
case "$*" in *"$id"*) ;; *) command=another;; esac
fill() { dd if=/dev/zero of="$filling" bs=4k 2> /dev/null; }
[ "$moment" != "before-$command" ] || fill
[ "$moment" = "after-$command" ] || exec ${join(TOOLS, 'runc')} "$@"
${join(TOOLS, 'runc')} "$@"
code=$?
fill
exit $code
`;

type Scene = {
  readonly daemon: TestDaemon;
  readonly client: Client;
  /** An app that runs, and is to have a bad moment. */
  readonly id: string;
  /** From now on the runtime fills the disk: `before-create`, `after-checkpoint`… of this container. */
  readonly fillAt: (moment: string, id: string) => Promise<void>;
  readonly fillNow: () => Promise<unknown>;
  /** The runtime is another one, which the next daemon tries. */
  readonly changeRuntime: () => Promise<void>;
};

const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => RuntimeError.of(error).code,
  );

/** Leaves the disk full. What the app is then, if that is certain. */
const MOMENTS: Readonly<Record<string, (scene: Scene) => Promise<string>>> = {
  'before a run': async ({ client, id, fillNow }) => {
    await fillNow();
    await helpfulRefusal(client.run(hostApp(uniqueId('refused'), SLEEP)), 'NO_SPACE', /full|space/);
    return stateOf(client, id);
  },
  'between the bundle and the start of an app': async ({ client, id, fillAt }) => {
    const late = uniqueId('late');
    await fillAt('before-create', late);
    await helpfulRefusal(client.run(hostApp(late, SLEEP)), 'NO_SPACE', /full|space/);
    return stateOf(client, id);
  },
  'between the creation and the start of an app': async ({ client, id, fillAt }) => {
    const late = uniqueId('late');
    await fillAt('after-create', late);
    assert.match(await outcome(client.run(hostApp(late, SLEEP))), /^(done|NO_SPACE)$/);
    return stateOf(client, id);
  },
  "in a hibernation's dump": async ({ client, id, fillAt }) => {
    await fillAt('before-checkpoint', id);
    await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'NO_SPACE', /full|space/i);
    return 'RUNNING';
  },
  'right after the dump': async ({ client, id, fillAt }) => {
    await fillAt('after-checkpoint', id);
    await client.hibernate({ appInstanceId: id });
    return 'HIBERNATED';
  },
  'in a wake': async ({ client, id, fillAt }) => {
    await client.hibernate({ appInstanceId: id });
    await fillAt('before-restore', id);
    await helpfulRefusal(client.wake({ appInstanceId: id }), 'NO_SPACE', /full|space/i);
    return 'HIBERNATED';
  },
  'before a terminate': async ({ client, id, fillNow }) => {
    await fillNow();
    await client.terminate({ appInstanceId: id });
    return 'TERMINATED';
  },
  'in a kill, and the daemon is killed after it': async ({ daemon, client, id, fillNow }) => {
    const pid = await pidOf(client, id);
    await fillNow();
    const kill = outcome(client.kill({ appInstanceId: id }));
    await until(() => !isAlive(pid), { what: 'it has ended' });
    await daemon.kill9();
    await kill;
    await daemon.start();
    return 'TERMINATED';
  },
  'in the start of the daemon': async ({ daemon, fillAt, changeRuntime }) => {
    await daemon.kill9();
    await changeRuntime();
    await fillAt('before-create', 'trial');
    await daemon.start();
    const problems = (await daemon.client.getHealth()).problems.filter(({ code }) => code === 'NO_SPACE');
    assert.match(problems[0]?.what ?? '', /no app can be started.*full/);
    return 'RUNNING';
  },
};

/** As the daemon says and as the kernel has it. */
async function checkTruth(daemon: TestDaemon): Promise<void> {
  for (const { appInstanceId, state, pid } of await daemon.client.list({ all: true })) {
    const { containerId } = await daemon.client.getInfo({ appInstanceId });
    const runs = pid !== null && isAlive(pid);
    assert.equal(runs, state === 'RUNNING', `${appInstanceId} is ${state}, and its process ${pid}`);
    if (runs) continue;
    assert.deepEqual(processesWith(`${daemon.places.run}/bundles/${containerId}`), [], `${appInstanceId} is ${state}`);
    assert.equal(existsSync(join(daemon.places.images, containerId, 'manifest.json')), state === 'HIBERNATED');
  }
}

/** The rest of the history has no hole, and each run its one end. */
async function checkEnd(daemon: TestDaemon, ids: readonly string[]): Promise<void> {
  const { client } = daemon;
  for (const { appInstanceId } of await client.list({ all: true })) await client.kill({ appInstanceId });
  await until(async () => (await client.list()).length === 0, { what: 'all have ended' });
  const events = await allEvents(client);
  checkHistory(events);
  for (const id of ids) {
    assert(
      runsOf(events, id).every(({ exit }) => exit !== null),
      id,
    );
  }
  await checkNothingLeft(daemon, [daemon.root]);
}

for (const [moment, work] of Object.entries(MOMENTS)) {
  test(`a disk that becomes full ${moment}: kills work, no exit is lost, and with room all goes on`, async () => {
    await using tools = await toolsWith({ runc: FILLING_RUNC });
    await using daemon = await onSmallDisk({ tools: tools.path, config: { runtime: 'runc' } });
    const [filling, order, runc] = [join(daemon.root, 'filling'), join(tools.path, 'moment'), join(tools.path, 'runc')];
    await writeFile(order, '');
    const { client } = daemon;
    const [id, victim] = [await runApp(client, 'subject', SLEEP), await runApp(client, 'victim', SLEEP)];
    const leaver = await runApp(
      client,
      'leaver',
      shell('trap "exit 42" USR1; echo ready; while :; do sleep 0.1; done'),
    );
    await untilSays(client, leaver, 'ready');
    const leaving = await pidOf(client, leaver);

    const expected = await work({
      ...{ daemon, client, id },
      fillAt: (at, whose) => writeFile(order, `${at} ${whose} ${filling}\n`),
      fillNow: () => fill(daemon.root),
      changeRuntime: () => appendFile(runc, '# another one\n'),
    });
    assert(statSync(filling).size > 0, 'the disk was filled');
    await writeFile(order, '');
    await fill(daemon.root);
    process.kill(leaving, 'SIGUSR1');
    await daemon.client.kill({ appInstanceId: victim });
    const { cause, code } = await exitOf(daemon.client, victim);
    assert.deepEqual([cause, code], ['killed', 137]);
    assert.equal((await exitOf(daemon.client, leaver)).code, 42);
    assert.equal(await stateOf(daemon.client, id), expected);

    await rm(filling);
    if (moment.endsWith('start of the daemon')) await daemon.restart();
    assert.equal(await stateOf(daemon.client, id), expected);
    await checkTruth(daemon);
    if (expected === 'TERMINATED') await runAgain(daemon.client, id);
    if (expected === 'HIBERNATED') await daemon.client.wake({ appInstanceId: id });
    await daemon.client.hibernate({ appInstanceId: id });
    await daemon.client.wake({ appInstanceId: id });
    await checkTruth(daemon);
    await checkEnd(daemon, [id, victim, leaver]);
  });
}
