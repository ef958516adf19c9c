/** The same life under crun. Where cgroups are hybrid no crun runs unaided: there it gets a view without the v2 hierarchy (facts/engine.md §8). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { layout } from '../../src/domain/layout.ts';
import { tagOf } from '../../src/start/open-place.ts';
import {
  DEAF,
  eventsOf,
  exitOf,
  inWords,
  outputOf,
  perl,
  runApp,
  shell,
  SLEEP,
  stateOf,
  untilSays,
} from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { checkHistory } from '../lib/history.ts';
import { mountsUnder } from '../lib/machine.ts';

const UNIFIED = '/sys/fs/cgroup/unified';
const isHybrid = (): boolean => mountsUnder(UNIFIED).length > 0;

/** Runs the rest in a mount namespace of its own, in which the v2 hierarchy is not there. */
const WITHOUT_V2 = `unshare --mount --propagation private sh -c 'umount ${UNIFIED}; exec "$@"' sh`;

async function crunTools() {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-crun-'));
  for (const tool of ['conmon', 'tini-static']) await symlink(join(TOOLS, tool), join(directory, tool));
  const script = `#!/bin/sh\nexec ${isHybrid() ? WITHOUT_V2 : ''} ${TOOLS}/crun "$@"\n`;
  await writeFile(join(directory, 'crun'), script);
  await chmod(join(directory, 'crun'), 0o755);
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

/** In its view crun makes the groups of v2 as plain directories, below the mount point: the daemon cannot see those. */
function removeHidden(root: string): void {
  if (!isHybrid()) return;
  const hidden = `${UNIFIED}/runtime-manager-${tagOf(layout(root))}`;
  const script = `umount ${UNIFIED} && rm -rf --one-file-system ${hidden}`;
  execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script]);
}

const onCrun = (tools: string): Promise<TestDaemon> =>
  startDaemon({
    tools,
    config: { runtime: 'crun' },
    prepare: async (root) => async () => removeHidden(root),
  });

test('an app lives its life under crun', async () => {
  await using tools = await crunTools();
  await using daemon = await onCrun(tools.directory);
  const { client } = daemon;
  assert.equal((await client.version()).runtime, 'crun');
  const id = await runApp(
    client,
    'life',
    perl('$SIG{TERM} = sub { exit 5 }; $| = 1; print "ready\\n"; sleep 1 while 1'),
  );
  await untilSays(client, id, 'ready');
  await client.suspend({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  await client.resume({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  assert.deepEqual(
    { ...(await exitOf(client, id)), at: '' },
    { code: 5, signal: null, oom: false, cause: 'terminated', at: '' },
  );
  assert.deepEqual(inWords(await eventsOf(client, id)).slice(0, 3), [
    'TERMINATED>STARTING',
    'started',
    'STARTING>RUNNING',
  ]);
  checkHistory((await client.getEvents({ since: 0 })).events);
});

test('exits, kills, limits and restarts of the daemon are the same under crun', async () => {
  await using tools = await crunTools();
  await using daemon = await onCrun(tools.directory);
  const { client } = daemon;
  const [seven, nine, greedy, deaf, stays] = await Promise.all([
    runApp(client, 'seven', shell('echo out; exit 7')),
    runApp(client, 'nine', shell('kill -9 $$')),
    runApp(client, 'greedy', perl('my @h; push @h, "x" x 4_000_000 for 1..100; sleep 60'), {
      limits: { memoryBytes: 24 * 2 ** 20 },
    }),
    runApp(client, 'deaf', DEAF),
    runApp(client, 'stays', SLEEP),
  ]);
  assert.partialDeepStrictEqual(await exitOf(client, seven), { code: 7, cause: 'exited' });
  assert.deepEqual(await outputOf(client, seven), ['out']);
  assert.partialDeepStrictEqual(await exitOf(client, nine), { signal: 9, oom: false, cause: 'signalled' });
  assert.partialDeepStrictEqual(await exitOf(client, greedy), { signal: 9, oom: true, cause: 'oom' });
  await client.kill({ appInstanceId: deaf });
  assert.equal((await exitOf(client, deaf)).cause, 'killed');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await stateOf(daemon.client, stays), 'RUNNING');
  await daemon.client.terminate({ appInstanceId: stays });
});
