// Bad input at random for an hour; the same test in a short form is in `npm test`.
// npm run fuzz -- --minutes 60 --seed NUMBER: what a run did can be repeated with its seed, as far as time allows.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
});
console.log(`fuzz: ${values.minutes} minutes, seed ${values.seed}`);
const { status } = spawnSync(process.execPath, ['--test', 'test/fault/fuzz.test.ts'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: {
    ...process.env,
    RUNTIME_MANAGER_FUZZ_MINUTES: values.minutes,
    RUNTIME_MANAGER_FUZZ_SEED: values.seed,
  },
});
process.exit(status ?? 1);
