/** Specifications without a run: what the same words would become, or what an instance has. Nothing is kept or changed. */
import type { MethodParams } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { appInstanceId, containerIdFor } from '../../domain/ids.ts';
import type { GeneratedSpec } from '../../domain/spec.ts';
import { isAlive } from '../../domain/states.ts';
import type { UserIdLease } from '../../ports/journal.ts';
import type { Described } from '../../spec/described.ts';
import type { Origins } from '../../spec/origins.ts';
import type { Instance } from '../instance.ts';
import { unmetIds, wishOf } from '../id-wishes.ts';
import type { Instances } from '../instances.ts';
import type { World } from '../world.ts';
import { describe, forOurEngine, namesOf, upstreamOf, type RunOrder } from './order.ts';
import { planDobby, planTraced } from './plan.ts';

/** Notes of a bundle or an image; those of limits are for a run. */
const isLeftOut = (note: string): boolean => /^(?:bundle|image): /.test(note);

type Params = MethodParams<'generateSpec'>;
type Names = Pick<RunOrder, 'appId' | 'appInstanceId'>;
type Made = { readonly spec: object; readonly origins: Origins; readonly ignored: readonly string[] };

/** Throws what `run` would throw before it takes anything; NOT_FOUND and ILLEGAL_STATE for an instance. */
export async function generateSpec(
  world: World,
  { instances, signal }: { readonly instances: Instances; readonly signal: AbortSignal },
  params: Params,
): Promise<GeneratedSpec> {
  const { format, explain } = params;
  const isInstance = params.app === undefined && params.runtimeConfigObject === undefined && params.appId === undefined;
  const { spec, origins, ignored } = isInstance
    ? await ofInstance(world, instances.get(appInstanceId(params.appInstanceId)), { format, signal })
    : await ofWords(world, params, signal);
  return { format, spec, ignored, ...(explain && { fields: origins.explain(spec) }) };
}

async function ofWords(world: World, { appId: id = '', ...params }: Params, signal: AbortSignal): Promise<Made> {
  const names = namesOf({ ...params, appId: id });
  const upstream = upstreamOf(params);
  const described = await describe(world, names.appId, { app: params.app, upstream });
  // looked at, and given back as it was
  const { lease, undo } = await world.userIds.lease({ appId: names.appId, ...wishOf(params, world.userIds.range) });
  // not the instance's own: it may be run, or end, meanwhile
  const holder = containerIdFor(namesOf({ appId: id }).appInstanceId);
  try {
    const unmet = [...(params.runtimeConfigObject?.notTaken ?? []), ...unmetIds(upstream, lease)];
    if (params.format === 'dobby') {
      const made = await ofDobby(world, described, { ...names, lease });
      return { ...made, ignored: [...made.ignored, ...unmet] };
    }
    const { app, origins: said, ignored } = forOurEngine(described);
    const order = { ...names, app, said, ...(upstream !== undefined && { upstream }), ids: {} };
    const { uid, gid } = lease;
    const { config, origins, notes } = await planTraced(world, order, { uid, gid, holder, signal });
    return { spec: config, origins, ignored: [...ignored, ...notes.filter(isLeftOut), ...unmet] };
  } finally {
    undo();
    await world.packages.release(holder);
  }
}

/** The configuration is the one it runs with; its origins are found by making it again. */
async function ofInstance(
  world: World,
  instance: Instance,
  { format, signal }: Pick<Params, 'format'> & { readonly signal: AbortSignal },
): Promise<Made> {
  const { record, state } = instance;
  if (!isAlive(state)) {
    throw new RuntimeError('ILLEGAL_STATE', {
      what: `${record.appInstanceId} has ended and has no specification any more`,
      next: 'give the description of the app instead',
      details: { state },
    });
  }
  const { appId, uid, gid, upstream, containerId, live } = record;
  const names = { appId, appInstanceId: record.appInstanceId };
  const lease = { appId, uid, gid, releasedAt: null };
  const described = await describe(world, appId, { app: record.app, upstream });
  if (format === 'dobby') return ofDobby(world, described, { ...names, lease });
  const { origins: said, ignored } = forOurEngine(described);
  const complete = { ...names, app: record.app, said, ids: {}, isComplete: true } as const;
  const order = { ...complete, ...(upstream !== undefined && { upstream }) };
  const { config, origins, notes } = await planTraced(world, order, { uid, gid, signal });
  if (instance.record.released) await world.packages.release(containerId);
  const isItsOwn = live !== null && (await world.engine.format()) === 'oci';
  const spec = isItsOwn ? await world.engine.configOf(containerId) : config;
  return { spec, origins, ignored: [...ignored, ...notes.filter(isLeftOut)] };
}

async function ofDobby(
  world: World,
  described: Described,
  { lease, ...order }: Names & { lease: UserIdLease },
): Promise<Made> {
  const { spec, origins } = await planDobby(world, { described, order, planning: lease });
  return { spec, origins, ignored: described.ignored };
}
