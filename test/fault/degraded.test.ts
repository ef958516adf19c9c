/** The tools go while apps run: the daemon starts all the same, says what is wrong, and ends the apps. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntimeError, type Client } from '../../src/client/node.ts';
import type { Problem } from '../../src/domain/health.ts';
import { DEAF, exitOf, hostApp, pidOf, runApp, runAgain, shell, SLEEP } from '../lib/apps.ts';
import { stateOf, uniqueId, untilSays, untilState } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { isAlive } from '../lib/machine.ts';
import { onlyTools } from '../lib/old-runtimes.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { troubledTools } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const RUNC = `#!/bin/sh\nexec ${join(TOOLS, 'runc')} "$@"\n`;

test('a restart with a broken runtime, or without tini-static, tells it, and apps can be ended', async () => {
  await using tools = await onlyTools({ runc: RUNC });
  const runc = join(tools.directory, 'runc');
  await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
  const first = await runApp(daemon.client, 'first', SLEEP);
  const second = await runApp(daemon.client, 'second', SLEEP);
  await rm(join(tools.directory, 'tini-static'));
  await daemon.restart();
  await daemon.client.kill({ appInstanceId: first });
  assert.equal(await stateOf(daemon.client, first), 'TERMINATED');
  await writeFile(runc, '#!/bin/sh\necho broken runtime >&2\nexit 1\n# another size\n');
  await chmod(runc, 0o755);
  await daemon.restart();
  const { problems } = await daemon.client.getHealth();
  const told = problems.find(({ code, appId }) => code === 'ENGINE_UNAVAILABLE' && appId === null);
  assert.match(`${told?.what} ${told?.why}`, /no app can be started.*broken runtime/);
  assert.equal(told?.state, 'fail');
  await assert.rejects(daemon.client.run(hostApp(uniqueId('none'), shell('exit 0'))), { code: 'ENGINE_UNAVAILABLE' });
  await daemon.client.kill({ appInstanceId: second });
  assert.equal(await stateOf(daemon.client, second), 'TERMINATED');
});

/** What keeps every app from being started. */
const noStart = async (client: Client): Promise<Problem | undefined> =>
  (await client.getHealth()).problems.find(({ code, appId }) => code === 'ENGINE_UNAVAILABLE' && appId === null);

/** Exits with 42 when its first process is told USR1. */
const LEAVER = shell('trap "exit 42" USR1; echo ready; while :; do sleep 0.1; done');

test('a restart without conmon finds the apps, ends them and keeps their exit codes; a run is refused and problems tells why', async () => {
  await using tools = await onlyTools({ runc: RUNC });
  const conmon = join(tools.directory, 'conmon');
  await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
  const ids = await Promise.all(['away', 'later'].map((name) => runApp(daemon.client, name, LEAVER)));
  const [victim, other] = [await runApp(daemon.client, 'victim', SLEEP), await runApp(daemon.client, 'other', SLEEP)];
  for (const id of ids) await untilSays(daemon.client, id, 'ready');
  const [away = 0, later = 0] = await Promise.all(ids.map((id) => pidOf(daemon.client, id)));
  const none = hostApp(uniqueId('none'), SLEEP);
  await rm(conmon);
  await helpfulRefusal(daemon.client.run(none), 'TOOL_FAILED', /conmon could not be run/);
  await daemon.kill9();
  process.kill(away, 'SIGUSR1');
  await until(() => !isAlive(away), { what: 'it has ended without a daemon' });
  await daemon.start();
  const { client } = daemon;
  assert.equal((await exitOf(client, ids[0] ?? '')).code, 42);
  assert.match((await noStart(client))?.what ?? '', /no app can be started.*conmon is not there/);
  await helpfulRefusal(client.run(none), 'ENGINE_UNAVAILABLE', /conmon is not there/);
  process.kill(later, 'SIGUSR1');
  assert.equal((await exitOf(client, ids[1] ?? '')).code, 42);
  await client.suspend({ appInstanceId: victim });
  await client.kill({ appInstanceId: victim });
  assert.deepEqual([(await exitOf(client, victim)).cause, (await exitOf(client, victim)).code], ['killed', 137]);
  await client.terminate({ appInstanceId: other });
  await symlink(join(TOOLS, 'conmon'), conmon);
  await daemon.restart();
  assert.equal(await noStart(daemon.client), undefined);
  await runAgain(daemon.client, victim);
});

test('without tini-static and its copy a run is refused in plain words, problems tells it, and it is over when it is there again', async () => {
  await using tools = await onlyTools({ runc: RUNC });
  const tini = join(tools.directory, 'tini-static');
  await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
  const first = await runApp(daemon.client, 'first', SLEEP);
  await rm(tini);
  await daemon.restart();
  const second = await runApp(daemon.client, 'second', SLEEP);
  assert.equal(await noStart(daemon.client), undefined, 'the copy of before is enough');
  await rm(`${daemon.places.state}/inside/.init`);
  await daemon.restart();
  const { client } = daemon;
  const none = hostApp(uniqueId('none'), SLEEP);
  assert.match((await noStart(client))?.what ?? '', /tini-static, process 1 of every container, is not there/);
  await helpfulRefusal(client.run(none), 'ENGINE_UNAVAILABLE', /tini-static/);
  for (const id of [first, second]) await client.kill({ appInstanceId: id });
  const { code, stderr } = await stopAndTry(daemon);
  assert.equal(code, 1);
  assert.match(stderr, /tini-static, process 1 of every container, is not there\n {2}next: install/);
  await symlink(join(TOOLS, 'tini-static'), tini);
  await daemon.start();
  assert.equal(await noStart(daemon.client), undefined);
  await daemon.client.run(none);
});

async function stopAndTry(daemon: TestDaemon) {
  await daemon.stop();
  const failed = await daemon.tryAnother();
  assert.deepEqual(daemon.traces(), [], 'a start that fails leaves nothing');
  return failed;
}

test('an app that ends by itself while a program is brought into it is told as such, at whatever moment', async () => {
  await using tools = await troubledTools();
  await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
  const { client } = daemon;
  const held = await runApp(client, 'held', SLEEP);
  const pid = await pidOf(client, held);
  await tools.hang('exec', held);
  const args = ['/bin/true'];
  const exec = helpfulRefusal(client.exec({ appInstanceId: held, args }), 'ILLEGAL_STATE', /is ending/);
  await tools.hangs('exec', held);
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid), { what: 'the app has ended' });
  await tools.release('exec', held);
  await exec;
  const { cause, code } = await exitOf(client, held);
  assert.deepEqual([cause, code], ['signalled', 137]);
  for (let round = 0; round < 12; round++) {
    const id = await runApp(client, 'short', SLEEP);
    const own = await pidOf(client, id);
    const answer = client.exec({ appInstanceId: id, args }).then(
      ({ exitCode }) => (exitCode === 0 || exitCode === 137 ? 'ended' : `exit code ${exitCode}`),
      (error: unknown) => RuntimeError.of(error).code,
    );
    // runc takes some 40 ms: each round meets it at another place
    await sleep(round * 5);
    process.kill(own, 'SIGKILL');
    assert(['ended', 'ILLEGAL_STATE'].includes(await answer), `round ${round}: ${await answer}`);
    assert.equal((await exitOf(client, id)).code, 137);
  }
});

test('a program in an app that is ending is refused with ILLEGAL_STATE', async () => {
  await using daemon = await startDaemon({ config: { terminateGraceMs: 20_000 } });
  const { client } = daemon;
  const id = await runApp(client, 'deaf', DEAF);
  await untilSays(client, id, 'ready');
  const end = client.terminate({ appInstanceId: id }).catch(() => undefined);
  await untilState(client, id, 'TERMINATING');
  const exec = client.exec({ appInstanceId: id, args: ['/bin/true'] });
  const refused = assert.rejects(exec, { code: 'ILLEGAL_STATE' });
  await client.kill({ appInstanceId: id });
  await Promise.all([refused, end]);
});
