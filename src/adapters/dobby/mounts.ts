/**
 * Mounts while an app runs. Dobby says true also when it has mounted read-write what was to be read-only, and after a failure a
 * directory stays that keeps it from trying again (facts/dobby.md, "Mount / Unmount"): so the kernel is asked what there is.
 */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Live, MountOrder, UnmountOrder, WantedMount } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import { handleOf } from './life.ts';
import type { Parts } from './parts.ts';
import type { Traits } from './ways.ts';

/** Mount point → its options, of the app's mount namespace (proc(5), mountinfo). None when it cannot be read. */
async function mountsOf({ init }: Live): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readFile(`/proc/${init.pid}/mountinfo`, 'utf8').catch(() => '');
  return new Map(text.split('\n').map((line) => [line.split(' ')[4] ?? '', (line.split(' ')[5] ?? '').split(',')]));
}

export async function mount(
  parts: Parts,
  id: ContainerId,
  { live, mount: wanted, ...wait }: MountOrder,
): Promise<void> {
  const { source, destination, readOnly } = wanted;
  const handle = handleOf(parts, id, live);
  if ((await mountsOf(live)).has(destination)) {
    throw new RuntimeError('CONFLICT', {
      what: `something is mounted on ${destination} in the app already`,
      next: 'choose a place that is no mount point',
    });
  }
  const flags = ['bind', 'nosuid', 'nodev', ...(readOnly ? ['ro'] : [])];
  if (!(await parts.calls.mount(handle, { source, destination, flags }, wait))) throw failed(wanted, parts.traits);
  if (!readOnly || (await mountsOf(live)).get(destination)?.includes('ro') === true) return;
  await parts.calls.unmount(handle, destination, wait);
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `this Dobby cannot mount ${source} read-only`,
    next: 'mount it read-write, or use a Dobby built with USE_OPEN_TREE_FOR_DYNAMIC_MOUNTS',
    details: { destination },
  });
}

export async function unmount(
  parts: Parts,
  id: ContainerId,
  { live, destination, ...wait }: UnmountOrder,
): Promise<void> {
  if (await parts.calls.unmount(handleOf(parts, id, live), destination, wait)) return;
  throw new RuntimeError('MOUNT_FAILED', {
    what: `Dobby did not unmount ${destination}`,
    next: "look at DobbyDaemon's log",
  });
}

/** What a daemon that was killed had asked for and not seen done. One that it had not written stays until the app ends. */
export async function keepMounts(
  parts: Parts,
  id: ContainerId,
  { live, wanted, ...wait }: Wait & { readonly live: Live; readonly wanted: readonly WantedMount[] },
): Promise<void> {
  if (wanted.length === 0) return;
  const there = await mountsOf(live);
  for (const one of wanted) {
    if (!there.has(one.destination)) await mount(parts, id, { live, mount: one, ...wait });
  }
}

const failed = ({ source, destination }: WantedMount, { afterMount }: Traits): RuntimeError =>
  new RuntimeError('MOUNT_FAILED', {
    what: `Dobby did not mount ${source} on ${destination}`,
    next: afterMount,
  });
