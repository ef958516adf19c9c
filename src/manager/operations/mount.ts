/** Mounts that come and go while an app runs or is suspended; asleep it keeps them, and with its run they end. */
import { RuntimeError } from '../../domain/errors.ts';
import { plainPath } from '../../domain/rootfs.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Live, WantedMount } from '../../ports/engine.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import { appMount } from '../../spec/mounts.ts';
import type { EventBody, Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { liveOf } from './operation.ts';

export type Mount = InstanceRecord['mounts'][number];

/** As many as an app's description may have. */
const MAX_MOUNTS = 256;

/** True when it was there already. In the instance's queue. Throws as `Engine.mount`, and ILLEGAL_STATE, NO_SPACE. */
export async function mount(world: World, instance: Instance, asked: Mount): Promise<boolean> {
  const wanted = wantedOf(asked);
  const { source, destination, readOnly } = wanted;
  const { mounts, containerId } = instance.record;
  const known = mounts.find((one) => one.destination === destination);
  if (known !== undefined) return refuseAnother(known, wanted);
  refuseAsleep(instance, 'mounted');
  refuseTooMany(instance);
  const live = liveOf(instance);
  const wait = waitOf(world);
  await world.engine.mount(containerId, { live, mount: wanted, ...wait });
  const after = [...mounts, { source, destination, readOnly }];
  await write(instance, after, { type: 'mounted', source, destination, readOnly }).catch(async (error: unknown) => {
    // what is not written must not be so: after a restart it would be another
    await world.engine.unmount(containerId, { live, destination, ...wait });
    throw error;
  });
  return false;
}

/** True when it was not there. In the instance's queue. Throws as `Engine.unmount`, and ILLEGAL_STATE. */
export async function unmount(world: World, instance: Instance, asked: string): Promise<boolean> {
  const destination = plainPath(asked);
  const { mounts, containerId } = instance.record;
  const known = mounts.find((one) => one.destination === destination);
  if (known === undefined) return true;
  refuseAsleep(instance, 'unmounted');
  const live = liveOf(instance);
  const wait = waitOf(world);
  await world.engine.unmount(containerId, { live, destination, ...wait });
  const after = mounts.filter((one) => one !== known);
  await write(instance, after, { type: 'unmounted', destination }).catch(async (error: unknown) => {
    await world.engine.mount(containerId, { live, mount: wantedOf(known), ...wait });
    throw error;
  });
  return false;
}

/** For an app that was found: a daemon that was killed may have been at it. */
export async function keepMounts(world: World, { record }: Instance, live: Live | null): Promise<void> {
  const { containerId, mounts, appInstanceId } = record;
  if (live === null) return;
  const keeping = { live, wanted: mounts.map(wantedOf), ...waitOf(world) };
  await world.engine.keepMounts(containerId, keeping).catch((error: unknown) => {
    world.log.warn({ err: error, appInstanceId }, 'the mounts of an app that was found are not as they should be');
  });
}

const waitOf = ({ settings }: World) => unhurried(settings.startTimeoutMs);

function wantedOf({ source, destination, readOnly }: Mount): WantedMount {
  const bound = appMount({ source, destination, readOnly });
  return { source: plainPath(source), destination: bound.destination, readOnly, bound };
}

const write = (instance: Instance, mounts: readonly Mount[], event: EventBody): Promise<void> =>
  instance.enter(instance.state, '', { record: { mounts: [...mounts] }, after: [event] });

function refuseAnother({ source, readOnly }: Mount, wanted: WantedMount): true {
  if (source === wanted.source && readOnly === wanted.readOnly) return true;
  throw new RuntimeError('CONFLICT', {
    what: `${source} is mounted on ${wanted.destination} already${readOnly ? ', read-only' : ''}`,
    next: 'unmount it first, or choose another destination',
  });
}

function refuseAsleep({ state, record }: Instance, deed: string): void {
  if (state === 'RUNNING' || state === 'SUSPENDED') return;
  throw new RuntimeError('ILLEGAL_STATE', {
    what: `nothing can be ${deed} now: ${record.appInstanceId} is ${state}`,
    next: state === 'HIBERNATED' ? 'wake it first (to SUSPENDED is enough)' : 'try again when it runs',
    details: { state },
  });
}

function refuseTooMany({ record }: Instance): void {
  if (record.mounts.length < MAX_MOUNTS) return;
  throw new RuntimeError('NO_SPACE', {
    what: `${record.appInstanceId} has ${MAX_MOUNTS} mounts of this kind already`,
    next: 'unmount some of them first',
  });
}
