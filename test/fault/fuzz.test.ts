/** Bad input of every kind, at random, for a time: nobody else notices, and nothing of it stays. */
import { test } from 'node:test';
import { newSeed } from '../lib/random-numbers.ts';
import { runApp, SLEEP } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { runFuzz } from '../lib/fuzz.ts';

const MINUTES = Number(process.env['RUNTIME_MANAGER_FUZZ_MINUTES'] ?? 0.5);
const SEED = Number(process.env['RUNTIME_MANAGER_FUZZ_SEED'] ?? newSeed());

test(`bad input of every kind for ${MINUTES} minutes disturbs nobody and leaves nothing (seed ${SEED})`, async (context) => {
  await using daemon = await startDaemon({
    config: { listen: '127.0.0.1:0', auth: 'none' },
    // as the launcher starts it: what is garbage goes soon
    env: { NODE_OPTIONS: '--max-semi-space-size=1' },
  });
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(daemon.log())?.[1]);
  await runFuzz({
    ...{ daemon, port, seed: SEED, ms: MINUTES * 60_000 },
    appInstanceId: await runApp(daemon.client, 'calm', SLEEP),
    tell: (line) => {
      context.diagnostic(line);
    },
  });
});
