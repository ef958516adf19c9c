/** Programs that read what an app shows are held: the app's own compositor cannot make them more than they may be. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { hostApp, inWords, eventsOf, outputOf, perl, runApp, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { commandLine, processesOfUser } from '../lib/machine.ts';
import { refusal } from '../lib/refusal.ts';
import { drawing, SIZE } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const FALSE_COMPOSITOR = readFileSync(new URL('../lib/false-compositor.pl', import.meta.url), 'utf8');
const ORANGE = 'ff8000';

async function runFalse(client: Client, ...words: readonly string[]): Promise<string> {
  const { appInstanceId: id } = await client.run(
    hostApp(uniqueId('false'), [...perl(FALSE_COMPOSITOR), ...words], {
      display: { ...SIZE, placement: 'container' },
      limits: { memoryBytes: 64 * 2 ** 20 },
    }),
  );
  await until(async () => (await outputOf(client, id)).includes('false'), { what: 'it is in place' });
  return id;
}

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

async function grimOf(client: Client, id: string): Promise<number | undefined> {
  const { uid } = await client.getInfo({ appInstanceId: id });
  return processesOfUser(uid).find((pid) => commandLine(pid).some((word) => word.endsWith('/grim')));
}

test('an output of another size than the display was given is refused, whatever it says, and the app goes on', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  for (const [width, height] of [
    ['16000', '16000'],
    ['320', '100'],
  ] as const) {
    const id = await runFalse(client, width, height);
    await refusal(client.getScreenshot({ appInstanceId: id }), 'DISPLAY_FAILED', /another size than 320x200/);
    await until(async () => (await outputOf(client, id)).includes('asked'), { what: 'it was asked' });
    assert.equal(await stateOf(client, id), 'RUNNING');
    assert.ok(!inWords(await eventsOf(client, id)).includes('terminated'));
    await client.kill({ appInstanceId: id });
  }
});

test('a picture that never comes is given up, and the program that takes it is held and ends with the daemon', async () => {
  await using daemon = await startDaemon();
  const id = await runFalse(daemon.client, 'hang');
  const shot = daemon.client.getScreenshot({ appInstanceId: id }).catch((error: unknown) => error);
  const grim = await until(() => grimOf(daemon.client, id), { what: 'grim runs', pollMs: 5 });
  const status = statusOf(grim);
  assert.match(status, /^Seccomp:\t2$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.equal(readFileSync(`/proc/${grim}/oom_score_adj`, 'utf8').trim(), '500');
  const { pid } = await daemon.client.getInfo({ appInstanceId: id });
  assert.match(readFileSync(`/proc/${grim}/cgroup`, 'utf8'), /display-shot-wst-/);
  assert.notEqual(readFileSync(`/proc/${grim}/cgroup`, 'utf8'), readFileSync(`/proc/${pid ?? 0}/cgroup`, 'utf8'));
  await daemon.kill9();
  await shot;
  await until(() => Promise.resolve(!processesOfUser(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).includes(grim)), {
    what: 'grim has ended with the daemon',
  });
  await daemon.start();
  await refusal(daemon.client.getScreenshot({ appInstanceId: id }), 'DISPLAY_FAILED');
  await daemon.client.kill({ appInstanceId: id });
});

test('pictures of one app that many ask for are few, and another app’s come all the same', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const other = await runApp(client, 'other', SLEEP);
  // another colour with each frame
  const id = await runApp(client, 'count', drawing(ORANGE, '--count'), { display: SIZE });
  await until(async () => (await outputOf(client, id)).includes('frame 30'), { what: 'it draws' });
  const all = await Promise.all(Array.from({ length: 40 }, () => client.getScreenshot({ appInstanceId: id })));
  // the one under way, and one more for all others
  assert.ok(new Set(all.map(({ png }) => png)).size <= 2);
  await client.getInfo({ appInstanceId: other });
});
