// The daemon is killed many times while apps fall asleep and wake; the same test in a short form is in `npm test`.
// RUNTIME_MANAGER_CAMPAIGN_ROUNDS (200), RUNTIME_MANAGER_CAMPAIGN_SEED (random), RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB (100)
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync(process.execPath, ['--test', 'test/fault/hibernation-campaign.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    RUNTIME_MANAGER_CAMPAIGN_ROUNDS: process.env['RUNTIME_MANAGER_CAMPAIGN_ROUNDS'] ?? '200',
    RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB: process.env['RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB'] ?? '100',
  },
});
process.exitCode = status ?? 1;
