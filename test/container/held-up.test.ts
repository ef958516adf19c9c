/** An app may trace its process 1, which has its own user id; its end must come all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitOf, perl, runApp, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { processesOfUser } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

/** The numbers of system calls are those of x86_64. */
const skip = process.arch !== 'x64';

/** Attaches to process 1, which stops it, and lets it go on never. */
const TRACER = perl(
  '$| = 1; $SIG{TERM} = "IGNORE"; my $got = syscall(101, 16, 1, 0, 0); print $got == 0 ? "tracing\\n" : "refused $!\\n"; sleep 1 while 1',
);

for (const operation of ['terminate', 'kill'] as const) {
  test(`an app that traces its process 1 cannot hold up ${operation}`, { skip }, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const appInstanceId = await runApp(client, 'tracer', TRACER, { terminateGraceMs: 200 });
    await untilSays(client, appInstanceId, 'tracing');
    const { uid } = await client.getInfo({ appInstanceId });
    await client[operation]({ appInstanceId });
    const { cause } = await exitOf(client, appInstanceId);
    assert.equal(cause, 'killed');
    await until(() => processesOfUser(uid).length === 0, { what: 'none of its processes is left' });
  });
}
