// Long forms of the campaigns; `npm test` runs each of them in a short form.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `npm run campaign [-- CAMPAIGN [AMOUNT]] [-- --seed NUMBER]

  --hibernation [ROUNDS]   the daemon is killed while apps hibernate and wake (the default; 200 rounds)
  --mixed [MINUTES]        apps of every role on a small disk; helpers die, the disk fills up, descriptors run short,
                           foreign mount namespaces appear, and the daemon is killed (60 minutes)
  --crowd [APPS]           many apps and 100 subscribers, the daemon killed twice, all apps ended at once (300 apps)
  --dobby [LIVES]          lives through a Dobby that crashes, hangs and loses its bus (1000 lives)

  --seed NUMBER            repeats a campaign, as far as time allows
`;

/**
 * Its test, and what the amount is for it.
 * @type {Record<string, { file: string, amount: string, otherwise: string }>}
 */
const campaigns = {
  hibernation: { file: 'hibernation-campaign', amount: 'RUNTIME_MANAGER_CAMPAIGN_ROUNDS', otherwise: '200' },
  mixed: { file: 'mixed-campaign', amount: 'RUNTIME_MANAGER_CAMPAIGN_MINUTES', otherwise: '60' },
  crowd: { file: 'crowd', amount: 'RUNTIME_MANAGER_CROWD_APPS', otherwise: '300' },
  dobby: { file: 'dobby-campaign', amount: 'RUNTIME_MANAGER_CAMPAIGN_LIVES', otherwise: '1000' },
};

function readArguments() {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  const options = { hibernation: flag, mixed: flag, crowd: flag, dobby: flag, help: flag };
  try {
    return parseArgs({ options: { ...options, seed: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    console.error(`campaign: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

const { values, positionals } = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const name =
  Object.keys(campaigns).find((key) => Object.entries(values).some(([flag, on]) => flag === key && on)) ??
  'hibernation';
const { file, amount, otherwise } = campaigns[name] ?? process.exit(2);
const { status } = spawnSync(process.execPath, ['--test', `test/fault/${file}.test.ts`], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: {
    RUNTIME_MANAGER_CAMPAIGN_LARGE_MIB: '100',
    RUNTIME_MANAGER_CROWD_SUBSCRIBERS: '100',
    ...process.env,
    [amount]: positionals[0] ?? process.env[amount] ?? otherwise,
    ...(values.seed !== undefined && { RUNTIME_MANAGER_CAMPAIGN_SEED: values.seed }),
  },
});
process.exitCode = status ?? 1;
