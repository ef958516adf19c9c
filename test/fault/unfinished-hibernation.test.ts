/** A dump has succeeded, and something keeps it from becoming a checkpoint: nothing of the app is lost, and the daemon finishes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stateOf, untilState } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { refusal } from '../lib/refusal.ts';
import { checkSleepsAndWakes, runCounter } from '../lib/sleepers.ts';
import { toolsWith } from '../lib/tools.ts';

/** runc, which runs the commands in the file `after-checkpoint` next to it once a checkpoint is done, and ends with their code. */
const RUNC = `#!/usr/bin/perl
use FindBin;
my $after = "$FindBin::Bin/after-checkpoint";
my @runc = ("${TOOLS}/runc", @ARGV);
exec { $runc[0] } @runc unless grep { $_ eq "checkpoint" } @ARGV and -e $after;
exit 255 if system { $runc[0] } @runc;
rename $after, "$after.done" or die;
exit system("/bin/sh", "-e", "$after.done") >> 8;
`;

type Obstacle = {
  /** Shell, once the app is dumped and gone. */
  readonly after: string;
  readonly remove: () => void;
};

const immutable = (sign: '+' | '-', path: string): string => `chattr ${sign}i ${path}`;

const obstacles: Readonly<Record<string, (daemon: TestDaemon, id: string) => Obstacle>> = {
  'its files cannot be put in their place': ({ places }) => ({
    after: immutable('+', places.images),
    remove: () => {
      assert.equal(spawnSync('/bin/sh', ['-c', immutable('-', places.images)]).status, 0);
    },
  }),
  'CRIU’s log cannot be read after the runtime has failed': ({ places }, id) => {
    const log = join(places.run, 'bundles', id, 'dump.log');
    return {
      after: `mv ${log} ${log}.away; mkdir ${log}; exit 1`,
      remove: () => {
        rmdirSync(log);
        renameSync(`${log}.away`, log);
      },
    };
  },
};

for (const [what, make] of Object.entries(obstacles)) {
  for (const killed of [false, true]) {
    test(`${what}${killed ? ', and the daemon is killed' : ''}: the app sleeps, and wakes where it was`, async () => {
      await using tools = await toolsWith({ runc: RUNC });
      await using daemon = await startDaemon({ tools: tools.path, config: { runtime: 'runc' } });
      const app = await runCounter(daemon.client);
      const { containerId } = await daemon.client.getInfo({ appInstanceId: app.id });
      const { after, remove } = make(daemon, containerId);
      const order = join(tools.path, 'after-checkpoint');
      writeFileSync(order, after);
      try {
        await refusal(daemon.client.hibernate({ appInstanceId: app.id }), 'CHECKPOINT_FAILED', /was saved/);
        assert(existsSync(`${order}.done`), 'the dump was made');
        assert.equal(await stateOf(daemon.client, app.id), 'HIBERNATING');
        if (killed) await daemon.kill9();
      } finally {
        remove();
      }
      if (killed) await daemon.restart();
      await untilState(daemon.client, app.id, 'HIBERNATED');
      await checkSleepsAndWakes(daemon, app);
    });
  }
}
