/** The bundle directory: what the OCI runtime reads, and where conmon and CRIU leave their files. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { signalNumber, STOP_SIGNAL_ANNOTATION } from '../../domain/signals.ts';
import { lookAtSources, RECURSIVE } from '../files/mount-flags.ts';
import { readSmall } from '../files/read-small.ts';

type Annotated = { readonly annotations?: Readonly<Record<string, string>> };
type Mount = {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly options?: readonly string[];
};
type Mounted = { readonly mounts?: readonly Mount[] };

/** The container as it was ordered; config.json is what the runtime is told, and after a wake that has other paths in it. */
const ORDERED = 'ordered.json';

export type BundleOrder = {
  readonly config: object;
  /** Other paths to bind sources, for a wake. CRIU finds a mount by its destination, so its source may be another path. */
  readonly places?: ReadonlyMap<string, string>;
  /** By their names in config.json. */
  readonly hooks?: object | undefined;
};

/** `org.criu.config`: both runtimes hand this file's options to CRIU. */
export async function writeBundle(bundle: string, { config, places = new Map(), hooks }: BundleOrder): Promise<void> {
  await mkdir(bundle, { recursive: true, mode: 0o700 });
  const annotations = { ...(config as Annotated).annotations, 'org.criu.config': `${bundle}/criu.conf` };
  const moved = (config as Mounted).mounts?.map((mount) => ({
    ...mount,
    source: places.get(mount.source ?? '') ?? mount.source,
  }));
  const mounts = moved && (await fitted(moved));
  const told = {
    ...config,
    ...(mounts !== undefined && { mounts }),
    annotations,
    ...(hooks !== undefined && { hooks }),
  };
  await Promise.all([
    writeFile(`${bundle}/${ORDERED}`, JSON.stringify(config), { mode: 0o600 }),
    writeFile(`${bundle}/config.json`, JSON.stringify(told), { mode: 0o600 }),
  ]);
}

/** Whatever a bind mount comes from: the flags of its source's mount last, because the last word counts. */
async function fitted(mounts: readonly Mount[]): Promise<readonly Mount[]> {
  const sources = await lookAtSources(bindSources({ mounts }));
  return mounts.map((mount) => {
    const source = mount.type === 'bind' ? sources.get(mount.source ?? '') : undefined;
    if (source === undefined) return mount;
    const { lockedFlags, isDirectory } = source;
    const options = (mount.options ?? []).filter((one) => isDirectory || !RECURSIVE.test(one));
    return { ...mount, options: [...options, ...lockedFlags.filter((one) => !options.includes(one))] };
  });
}

const read = async (file: string): Promise<object> => JSON.parse(await readSmall(file)) as object;

export const readOrdered = (bundle: string): Promise<object> => read(`${bundle}/${ORDERED}`);

/** What the runtime was told. */
export const readTold = (bundle: string): Promise<object> => read(`${bundle}/config.json`);

/** Whole or not at all; the run directory does not outlive a boot, so nothing is flushed. */
export async function writeOrdered(bundle: string, config: object): Promise<void> {
  await writeFile(`${bundle}/${ORDERED}.new`, JSON.stringify(config), { mode: 0o600 });
  await rename(`${bundle}/${ORDERED}.new`, `${bundle}/${ORDERED}`);
}

/** How the container wants to be asked to end. A bundle that is gone, or says nothing: SIGTERM. */
export async function stopSignalOf(bundle: string): Promise<NodeJS.Signals | number> {
  // as said above: an end must not fail for it
  const ordered: Annotated = await readOrdered(bundle).catch(() => ({}));
  return signalNumber(ordered.annotations?.[STOP_SIGNAL_ANNOTATION] ?? '') ?? 'SIGTERM';
}

export const bindSources = (config: object): readonly string[] =>
  ((config as Mounted).mounts ?? []).flatMap(({ type, source }) =>
    type === 'bind' && source !== undefined ? [source] : [],
  );
