/** Everything at once: see test/campaign/mixed.ts. `npm run campaign -- --mixed` runs it for long, on a small disk of its own. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMixedCampaign } from '../campaign/mixed.ts';
import type { Role } from '../campaign/programs.ts';
import { newSeed } from '../lib/random-numbers.ts';
import { startDaemon, type DaemonOptions } from '../lib/daemon.ts';
import { makeNets } from '../lib/nets.ts';
import { layerOf, programRoot, writeLayout } from '../lib/package-images.ts';

const SEED = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_SEED'] ?? newSeed());
const MINUTES = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_MINUTES'] ?? 0);
const ROUNDS = MINUTES > 0 ? 1_000_000 : 6;
const SUBSCRIBERS = MINUTES > 0 ? 20 : 2;
const ROLES: readonly Role[] = [
  'short',
  'crash',
  'counter',
  'volume',
  'volume',
  'display',
  'image',
  'network',
  'restarting',
];
const DISK_BYTES = 1.5 * 2 ** 30;

/** The daemon's root directory becomes a file system of its own, in a file next to it. */
async function ownDisk(root: string): Promise<() => Promise<void>> {
  const file = `${root}.disk`;
  await writeFile(file, '');
  await truncate(file, DISK_BYTES);
  execFileSync('mkfs.ext4', ['-q', '-F', file]);
  execFileSync('mount', ['-o', 'loop', file, root]);
  return async () => {
    execFileSync('umount', [root]);
    await rm(file);
  };
}

test(`apps of every role, helpers that die, foreign namespaces, and a daemon that is killed: nothing is lost, damaged or left (seed ${SEED})`, async (context) => {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  await mkdir(join(directory, 'root'));
  const image = join(directory, 'image');
  writeLayout(image, { layers: [layerOf(programRoot(join(directory, 'root')))] });
  await using nets = await makeNets();
  const options: DaemonOptions = {
    within: nets.machine.within,
    config: { hibernation: { lazyPagesAboveBytes: 2 ** 20, compressAfterMs: 150 } },
    ...(MINUTES > 0 && { prepare: ownDisk }),
  };
  {
    await using daemon = await startDaemon(options);
    const tally = await runMixedCampaign({
      ...{ daemon, seed: SEED, rounds: ROUNDS, deadlineMs: MINUTES > 0 ? MINUTES * 60_000 : 120_000 },
      ...{ roles: ROLES, subscribers: SUBSCRIBERS, image: `oci:${image}:v1`, networks: true },
      diaries: join(directory, 'diaries'),
      ownMounts: MINUTES > 0 ? [daemon.root] : [],
      tell: (line) => {
        context.diagnostic(line);
        if (MINUTES > 0) process.stderr.write(`${line}\n`);
      },
    });
    for (const [word, times] of [...tally].sort()) context.diagnostic(`${String(times).padStart(6)} ${word}`);
  }
  await rm(directory, { recursive: true });
});
