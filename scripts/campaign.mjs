// The same tests in a short form are in `npm test`.
// Without arguments: the daemon is killed many times while apps fall asleep and wake.
// RUNTIME_MANAGER_CAMPAIGN_ROUNDS (200), RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB (100)
// --dobby [LIVES]: lives (1000) through a Dobby that crashes, hangs and loses its bus, under a daemon that is killed.
// Both: RUNTIME_MANAGER_CAMPAIGN_SEED (random)
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({ options: { dobby: { type: 'boolean' } }, allowPositionals: true });
const file = values.dobby === true ? 'test/fault/dobby-campaign.test.ts' : 'test/fault/hibernation-campaign.test.ts';
const { status } = spawnSync(process.execPath, ['--test', file], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    RUNTIME_MANAGER_CAMPAIGN_LIVES: positionals[0] ?? '1000',
    RUNTIME_MANAGER_CAMPAIGN_ROUNDS: process.env['RUNTIME_MANAGER_CAMPAIGN_ROUNDS'] ?? '200',
    RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB: process.env['RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB'] ?? '100',
  },
});
process.exitCode = status ?? 1;
