/**
 * Mounts of a container that is there. `ordered.json` is the intent and is written first, so that whoever comes after a crash finds
 * every mount that may be there; config.json stays what the runtime was told, and the difference is what CRIU must be told besides.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { BoundMount, Live, MountOrder, UnmountOrder, WantedMount } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import { readOrdered, readTold, writeOrdered } from './bundle.ts';
import type { Parts } from './parts.ts';

type Mounted = { readonly mounts?: readonly BoundMount[] };

const mountsOf = (config: object): readonly BoundMount[] => (config as Mounted).mounts ?? [];
const without = (config: object, destination: string): object => ({
  ...config,
  mounts: mountsOf(config).filter((one) => one.destination !== destination),
});
const including = (config: object, mount: BoundMount): object => ({
  ...config,
  mounts: [...mountsOf(without(config, mount.destination)), mount],
});

export async function mount(parts: Parts, id: ContainerId, order: MountOrder): Promise<void> {
  const { destination } = order.mount;
  // before anything is written: the place of another mount in ordered.json is not ours to take
  const ordered = mountsOf(await readOrdered(parts.bundleOf(id))).map((one) => one.destination);
  const taken = [...ordered, ...(await parts.liveMounts.points(order.live.init))];
  if (taken.includes(destination)) {
    throw new RuntimeError('CONFLICT', {
      what: `something is mounted on ${destination} in the app already`,
      next: 'choose a place that is no mount point, below it for instance',
    });
  }
  await attach(parts, id, order);
}

async function attach(parts: Parts, id: ContainerId, { live, mount: wanted, ...wait }: MountOrder): Promise<void> {
  const { liveMounts, bundleOf } = parts;
  const { source, destination, readOnly } = wanted;
  const before = await readOrdered(bundleOf(id));
  await writeOrdered(bundleOf(id), including(before, wanted.bound));
  try {
    await liveMounts.attach(live.init, { source, destination, readOnly }, wait);
  } catch (error) {
    // one that was stopped may have done it
    const last: Wait = { signal: AbortSignal.timeout(LAST_MS), timeoutMs: LAST_MS };
    if (isUnsure(error)) await liveMounts.detach(live.init, destination, last).catch(() => undefined);
    // one that could not be taken away again is to be known to CRIU
    if (!(await liveMounts.points(live.init)).includes(destination)) await writeOrdered(bundleOf(id), before);
    throw error;
  }
}

const LAST_MS = 5000;
const isUnsure = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'TIMED_OUT' || error.code === 'TOOL_FAILED');

export async function unmount(parts: Parts, id: ContainerId, { live, destination, ...wait }: UnmountOrder) {
  const { liveMounts, bundleOf } = parts;
  const before = await readOrdered(bundleOf(id));
  await writeOrdered(bundleOf(id), without(before, destination));
  try {
    await liveMounts.detach(live.init, destination, wait);
  } catch (error) {
    await writeOrdered(bundleOf(id), before);
    throw error;
  }
}

/** Destinations that the runtime knows nothing of. */
export async function unknownToRuntime({ bundleOf }: Parts, id: ContainerId): Promise<readonly string[]> {
  const [ordered, told] = await Promise.all([readOrdered(bundleOf(id)), readTold(bundleOf(id))]);
  const known = new Set(mountsOf(told).map(({ destination }) => destination));
  return mountsOf(ordered)
    .map(({ destination }) => destination)
    .filter((destination) => !known.has(destination));
}

type Keeping = { readonly live: Live; readonly wanted: readonly WantedMount[] } & Wait;

/** Makes it so that exactly these are there, besides those that the container was made with. */
export async function keepMounts(parts: Parts, id: ContainerId, { live, wanted, ...wait }: Keeping): Promise<void> {
  const { liveMounts, bundleOf } = parts;
  const points = await liveMounts.points(live.init);
  const names = new Set(wanted.map(({ destination }) => destination));
  for (const destination of await unknownToRuntime(parts, id)) {
    if (names.has(destination)) continue;
    if (points.includes(destination)) await unmount(parts, id, { live, destination, ...wait });
    else await writeOrdered(bundleOf(id), without(await readOrdered(bundleOf(id)), destination));
  }
  for (const one of wanted) {
    const ordered = await readOrdered(bundleOf(id));
    if (!points.includes(one.destination)) await attach(parts, id, { live, mount: one, ...wait });
    else if (mountsOf(ordered).every(({ destination }) => destination !== one.destination)) {
      await writeOrdered(bundleOf(id), including(ordered, one.bound));
    }
  }
}
