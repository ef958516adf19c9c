/** The tools go while apps run: the daemon starts all the same, says what is wrong, and ends the apps. */
import assert from 'node:assert/strict';
import { rm, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEAF, hostApp, runApp, shell, SLEEP, stateOf, uniqueId, untilSays, untilState } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { onlyTools } from '../lib/old-runtimes.ts';
import { TOOLS } from '../lib/daemon.ts';

test('a restart with a broken runtime, or without tini-static, tells it, and apps can be ended', async () => {
  await using tools = await onlyTools({ runc: `#!/bin/sh\nexec ${join(TOOLS, 'runc')} "$@"\n` });
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
