/** What the kernel must say when all apps have ended: nothing is mounted, attached, running or damaged. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDaemon } from '../lib/daemon.ts';
import { groupsBelow, mountsUnder, processesWith } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 30_000;

/** Loop devices whose file lies below a directory, whichever mount namespace uses them. */
export const loopsBelow = (directory: string): readonly string[] =>
  readdirSync('/sys/block').filter((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return name.startsWith('loop') && existsSync(file) && read(file).startsWith(`${directory}/`);
  });

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it was detached while we looked
  }
}

const namesIn = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory).filter((name) => !name.startsWith('.')) : [];

/** Lines, one for each thing that is left of any app. */
function leftOf(daemon: TestDaemon, ownMounts: readonly string[]): readonly string[] {
  const { run, images } = daemon.places;
  const mounts = [daemon.directory, `/run/runtime-manager-${daemon.tag}`].flatMap((place) => mountsUnder(place));
  return [
    ...processesWith(daemon.root)
      .filter((pid) => pid !== daemon.pid)
      .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
    ...mounts.filter((point) => !ownMounts.includes(point)).map((point) => `mount ${point}`),
    ...groupsBelow(daemon.group()).map((path) => `control group ${path}`),
    ...['bundles', 'exits', 'persist', 'runtime'].flatMap((place) =>
      namesIn(join(run, place)).map((name) => `file ${place}/${name}`),
    ),
    ...namesIn(images).map((name) => `checkpoint ${name}`),
  ];
}

/** Waits until no instance holds anything any more. `ownMounts`: those of the test itself. */
export async function checkNothingLeft(daemon: TestDaemon, ownMounts: readonly string[] = []): Promise<void> {
  const look = () => leftOf(daemon, ownMounts);
  await until(() => look().length === 0, {
    what: 'nothing is left of the apps',
    timeoutMs: LIMIT_MS,
    pollMs: 50,
  }).catch(() => {
    assert.deepEqual(look(), []);
  });
}

/** Once nobody has them mounted, in any namespace: each volume's file system is whole (e2fsck(8), -n: looks only). */
export async function checkVolumes(daemon: TestDaemon): Promise<number> {
  const { volumes } = daemon.places;
  await until(() => loopsBelow(volumes).length === 0, {
    what: 'no volume is attached',
    timeoutMs: LIMIT_MS,
    pollMs: 50,
  });
  const files = namesIn(volumes).filter((name) => name.endsWith('.ext4'));
  for (const name of files) {
    // a journal that was not replayed is no damage; -n would report it as such
    execFileSync('e2fsck', ['-p', join(volumes, name)], { stdio: 'pipe' });
    execFileSync('e2fsck', ['-f', '-n', join(volumes, name)], { stdio: 'pipe' });
  }
  return files.length;
}
