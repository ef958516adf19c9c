/** The daemon is killed at random moments of hibernating and waking. */
import { test } from 'node:test';
import { newSeed } from '../lib/random-numbers.ts';
import type { CounterKind } from '../lib/counters.ts';
import { startDaemon } from '../lib/daemon.ts';
import { runHibernationCampaign } from '../lib/hibernation-campaign.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_ROUNDS'] ?? 12);
const SEED = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_SEED'] ?? newSeed());
const LARGE_MIB = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB'] ?? 48);
const KINDS: readonly CounterKind[] = ['small', 'small', 'pair', 'large'];

test(`a daemon killed ${ROUNDS} times while apps fall asleep and wake loses none and leaves nothing (seed ${SEED})`, async (context) => {
  await using daemon = await startDaemon({
    config: { hibernation: { lazyPagesAboveBytes: 8 * 2 ** 20, compressAfterMs: 150 } },
  });
  const tally = await runHibernationCampaign({
    ...{ daemon, seed: SEED, rounds: ROUNDS, kinds: KINDS, largeBytes: LARGE_MIB * 2 ** 20 },
    tell: (line) => {
      context.diagnostic(line);
    },
  });
  for (const [word, times] of [...tally].sort()) context.diagnostic(`${String(times).padStart(5)} ${word}`);
});
