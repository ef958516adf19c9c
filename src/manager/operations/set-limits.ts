/** Other limits for an instance: in the kernel at once, or, for one that sleeps, when it wakes; remembered in both cases. */
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { Limits } from '../../domain/limits.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import { coresOfApp } from '../../spec/limit-origins.ts';
import { effectiveLimits } from '../../spec/limits.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { platformFor } from './order.ts';

/** What is absent stays; null lifts a limit (of `pids`: gives the default). */
export type LimitChange = { readonly [Name in keyof Limits]?: Limits[Name] | null | undefined };

/** All of it or nothing. In the instance's queue. Throws INVALID_ARGUMENT (cores), LIMIT_FAILED, ILLEGAL_STATE. */
export async function setLimits(world: World, instance: Instance, change: LimitChange): Promise<Limits> {
  const { app } = instance.record;
  const limits = changed(app.limits, change);
  const [before, after] = [effectiveLimits(app.limits), effectiveLimits(limits)];
  if (JSON.stringify(before) === JSON.stringify(after)) return after;
  const inForce = (one: Limits): Limits => withCoresOf(world, instance.record, one);
  await apply(world, instance, { before: inForce(before), after: inForce(after) });
  await instance
    .enter(instance.state, '', {
      record: { app: { ...app, limits } },
      after: [{ type: 'limitsChanged', limits: after }],
    })
    .catch(async (error: unknown) => {
      // what is not written must not be so: after a restart it would be another
      await apply(world, instance, { before: inForce(after), after: inForce(before) });
      throw error;
    });
  return after;
}

function changed(limits: App['limits'], change: LimitChange): App['limits'] {
  const asked = Object.entries(change).filter(([, value]) => value !== undefined);
  // swap is beyond memory: where that has no limit, it has none
  const { swapBytes, ...others } = limits;
  const kept = change.memoryBytes === null || swapBytes === undefined ? others : limits;
  const all: Record<string, string | number | null | undefined> = { ...kept, ...Object.fromEntries(asked) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** What the kernel is to hold the app of this record to. */
export const limitsInForce = (world: World, record: InstanceRecord): Limits =>
  withCoresOf(world, record, effectiveLimits(record.app.limits));

/** The device keeps cores from apps. Throws INVALID_ARGUMENT when it leaves none of those that were asked for. */
function withCoresOf(world: World, { upstream }: InstanceRecord, limits: Limits): Limits {
  const device = { cores: platformFor(world, upstream).cores, count: world.settings.cores };
  return { ...limits, cores: coresOfApp(limits.cores ?? undefined, device) };
}

type Step = { readonly before: Limits; readonly after: Limits };

async function apply(world: World, instance: Instance, { before, after }: Step): Promise<void> {
  const { state, record } = instance;
  if (state === 'HIBERNATED' && record.live === null) {
    refuseTooSmall(instance, after);
    world.engine.refuseLimits(after);
    return;
  }
  if (state !== 'RUNNING' && state !== 'SUSPENDED' && state !== 'HIBERNATED') throw notNow(instance);
  await world.engine.setLimits(record.containerId, { before, after });
}

/** CRIU reads the image inside the limit; below its size the wake would fail. */
function refuseTooSmall({ record }: Instance, { memoryBytes }: Limits): void {
  const needed = record.hibernation?.image?.rawBytes ?? 0;
  if (memoryBytes === null || memoryBytes >= needed) return;
  throw new RuntimeError('LIMIT_FAILED', {
    what: `${record.appInstanceId} could not be woken with ${memoryBytes} bytes of memory: its image holds ${needed}`,
    next: 'give it more, or wake it first and let it give memory back',
    details: { neededBytes: needed },
  });
}

const notNow = ({ state, record }: Instance): RuntimeError =>
  new RuntimeError('ILLEGAL_STATE', {
    what: `limits cannot be set: ${record.appInstanceId} is ${state}`,
    next: state === 'TERMINATED' ? 'give them with the next run' : 'try again when it runs',
    details: { state },
  });
