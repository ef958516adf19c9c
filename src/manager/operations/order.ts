/** The parameters of `run` as one order: RDK's RuntimeConfig and our own description become the same thing. */
import type { MethodParams } from '../../domain/api.ts';
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { appId, appInstanceId, newAppInstanceId, type AppId, type AppInstanceId } from '../../domain/ids.ts';
import type { UpstreamRun } from '../../domain/runtime-config.ts';
import { describeApp, type Described } from '../../spec/described.ts';
import { directoriesOf, fromRuntimeConfig, hostPathsOf } from '../../spec/from-runtime-config.ts';
import { refuseSource } from '../../spec/grants.ts';
import type { Origins } from '../../spec/origins.ts';
import { layOver } from '../../spec/overlay.ts';
import { refuseDevices } from '../../spec/devices.ts';
import { withDrm, withGraphics } from '../../spec/graphics.ts';
import { withPreloads } from '../../spec/preloads.ts';
import { BUILT_IN, NO_PLATFORM, type Platform } from '../../spec/platform/platform.ts';
import { refuseUnsupportedWords } from '../../spec/unsupported.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import { wishOf, type IdWish } from '../id-wishes.ts';
import type { World } from '../world.ts';
import { readRalf } from './ralf.ts';

export type RunOrder = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  readonly app: App;
  /** Who said what of `app`; the caller everything when absent. */
  readonly said?: Origins;
  /** Those of RDK's words that became `app`. */
  readonly upstream?: UpstreamRun;
  /** What was asked for and changes nothing, for the caller. */
  readonly ignored?: readonly string[];
  /** Of RDK's words, what was kept out. */
  readonly warnings?: readonly string[];
  /** `app` has all that the package and the device add to it: it was run before. */
  readonly isComplete?: true;
  /** Ids that are asked for. */
  readonly ids: IdWish;
};

type RunParams = Omit<MethodParams<'run'>, 'appId'>;
/** What a caller has ordered once, for a wake or another run of it. */
export const orderAgain = ({ appId, appInstanceId, app, upstream }: InstanceRecord): RunOrder => ({
  ...{ appId, appInstanceId, app, ids: {}, isComplete: true },
  ...(upstream !== undefined && { upstream }),
});

type Words = Pick<RunParams, 'app'> & { readonly upstream?: UpstreamRun | undefined };

/** Throws INVALID_ARGUMENT, NOT_SUPPORTED, PERMISSION_DENIED; BUNDLE_INVALID for files of RALF packages. */
export async function readOrder(world: World, params: MethodParams<'run'>): Promise<RunOrder> {
  const names = namesOf(params);
  const upstream = upstreamOf(params);
  const { app, origins, ignored } = await describeForEngine(world, names.appId, { app: params.app, upstream });
  world.engine.refuse?.(app);
  if (ignored.length > 0) world.log.info({ ...names, ignored }, 'asked for, and changes nothing');
  const warnings = params.runtimeConfigObject?.notTaken ?? [];
  if (warnings.length > 0) world.log.warn({ ...names, warnings }, "of RDK's configuration, and not taken");
  const ids = wishOf(params, world.userIds.range);
  return { ...names, app, said: origins, ignored, warnings, ...(upstream !== undefined && { upstream }), ids };
}

export const namesOf = (params: MethodParams<'run'>): Pick<RunOrder, 'appId' | 'appInstanceId'> => ({
  appId: appId(params.appId),
  appInstanceId:
    params.appInstanceId === undefined || params.appInstanceId === ''
      ? newAppInstanceId()
      : appInstanceId(params.appInstanceId),
});

/** Undefined when the caller used our words. Throws INVALID_ARGUMENT when it used both, or none. */
export function upstreamOf({
  app,
  runtimeConfigObject,
  ports,
  paths,
  debugSettings,
}: RunParams): UpstreamRun | undefined {
  if ((app === undefined) === (runtimeConfigObject === undefined)) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: app === undefined ? 'nothing says what to run' : 'both app and runtimeConfigObject say what to run',
      next: "give either app (our description) or runtimeConfigObject (RDK's)",
    });
  }
  if (runtimeConfigObject === undefined) return undefined;
  const { notTaken: _, ...runtimeConfig } = runtimeConfigObject;
  return { runtimeConfig, ports, paths, debugSettings };
}

/** The device as it counts for these words: RDK's have values of their own where no file is. */
export const platformFor = ({ settings }: World, upstream: UpstreamRun | undefined): Platform =>
  settings.platform ?? (upstream === undefined ? NO_PLATFORM : BUILT_IN);

/** The same for every engine and format. */
export async function describe(world: World, id: AppId, { app, upstream }: Words): Promise<Described> {
  const platform = platformFor(world, upstream);
  if (upstream !== undefined) {
    const { ralfPkgPath } = upstream.runtimeConfig;
    const ralf = ralfPkgPath === '' ? null : await readRalf(world, ralfPkgPath, platform);
    const [present, kinds] = await Promise.all([
      world.rootfs.present(hostPathsOf(upstream, platform, ralf)),
      world.rootfs.kindsOf(directoriesOf(upstream)),
    ]);
    const { thunderAccess } = world.settings;
    // Dobby forwards at every address
    const exportAddress = world.engine.name === 'embedded' ? '127.0.0.1' : undefined;
    return fromRuntimeConfig(upstream, { appId: id, platform, present, kinds, ralf, thunderAccess, exportAddress });
  }
  if (app !== undefined) return describeApp(app, platform);
  throw new RuntimeError('INTERNAL', { what: `nothing describes ${id}` });
}

/** What a capability may mount by its name may be a symbolic link to what it may not. Throws PERMISSION_DENIED. */
async function refuseLinks({ rootfs }: World, { platform, app, origins }: Described): Promise<void> {
  const byCapability = app.mounts.filter(
    ({ destination }) => origins.find(`mounts[${destination}]`)?.layer === 'capability',
  );
  if (byCapability.length === 0) return;
  const mountSources = await Promise.all(platform.mountSources.map(rootfs.realOf));
  for (const { source } of byCapability) {
    refuseSource(await rootfs.realOf(source), { ...platform, mountSources }, 'extramounts');
  }
}

/** As the engine will make a container of it: a spec of Dobby's says things that an OCI configuration cannot, and is checked when it is made. */
async function describeForEngine(world: World, id: AppId, words: Words): Promise<Described> {
  if (words.app !== undefined) refuseDevices(words.app, world.settings.allowedDevices);
  const described = await describe(world, id, words);
  const made = (await world.engine.format()) === 'dobby' ? described : forOurEngine(described);
  await refuseLinks(world, made);
  return made;
}

/** What an engine makes of it that takes OCI configurations. Throws NOT_SUPPORTED by name for what it cannot. */
export function forOurEngine(described: Described): Described {
  const more = described.rdk === null ? [] : refuseUnsupportedWords(described.rdk, described.platform);
  const laid = withPreloads(withDrm(withGraphics(layOver(described))));
  return { ...laid, ignored: [...laid.ignored, ...more] };
}
