/** Lives through a Dobby that gives trouble. `npm run campaign -- --dobby 1000` makes more of them. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { newSeed } from '../lib/random-numbers.ts';
import { runDobbyCampaign } from '../lib/dobby-campaign.ts';
import { dobbyHouse } from '../lib/engines.ts';

const LIVES = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_LIVES'] ?? 60);
const SEED = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_SEED'] ?? newSeed());

test(`${LIVES} lives while Dobby crashes, hangs and loses its bus, and the daemon is killed: no event is lost or doubled (seed ${SEED})`, async (context) => {
  // as the launcher starts it: its memory is looked at
  const env = { NODE_OPTIONS: '--max-semi-space-size=1 --v8-pool-size=1' };
  // longer than it takes to be ready: the process that stands for it is old, also when it has only just come back
  await using house = await dobbyHouse({ settleMs: 400 }, { env });
  const { daemon, dobby, bus } = house;
  const tally = await runDobbyCampaign({
    ...{ seed: SEED, lives: LIVES },
    tell: (line) => {
      context.diagnostic(line);
    },
    house: {
      daemon,
      crash: async (awayMs) => {
        await dobby.crash();
        await sleep(awayMs);
        await dobby.start({ readyMs: awayMs % 100 });
      },
      hang: async (ms) => {
        dobby.wire.hangs = true;
        await sleep(ms);
        dobby.wire.release();
      },
      loseBus: async () => {
        await bus.stop();
        await dobby.crash();
        await bus.start();
        await dobby.start({ readyMs: 50 });
      },
      containers: () => dobby.ids,
    },
  });
  for (const [word, times] of [...tally].sort()) context.diagnostic(`${String(times).padStart(5)} ${word}`);
  // each call that Dobby does not know, or that comes before it serves, costs it a reply slot for good
  assert.deepEqual([dobby.wire.strange, dobby.wire.leaked], [[], 0]);
});
