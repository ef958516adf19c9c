/** Packages made ready: found, unpacked or checked, mounted, and held by those who run from them. */
import { join } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { HeldPackage, Packages, PackageSource, Stock } from '../../ports/packages.ts';
import type { RunTool } from '../process/run-tool.ts';
import { isThere } from '../files/is-there.ts';
import type { PackageLimits } from './bounds.ts';
import { sha256, stampOf } from './files.ts';
import { Holds, type Hold } from './holds.ts';
import { placedIn } from './hidden.ts';
import { layersHold } from './layers.ts';
import { library, type Library } from './library.ts';
import { packageMounts, type Mounts, type MountSource } from './mounts.ts';
import { locate } from './reference.ts';
import { packageTools } from './tools.ts';

export type PackagesOptions = {
  /** Survives reboots; private. */
  readonly directory: string;
  /** Where mounts are made; others may enter it, and all above it. */
  readonly mountDirectory: string;
  readonly limits: PackageLimits;
};

type Parts = {
  readonly images: Library;
  readonly mounts: Mounts;
  readonly holds: Holds;
  /** Mounting and unmounting of one package, one after the other. */
  readonly inTurn: <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;
};

export function packages(runTool: RunTool, { directory, mountDirectory, limits }: PackagesOptions): Packages {
  const tools = packageTools(runTool, directory);
  const parts: Parts = {
    images: library({ directory, tools, limits }),
    mounts: packageMounts(tools, mountDirectory),
    holds: new Holds(join(directory, 'holds')),
    inTurn: turns(),
  };
  const { images, mounts, holds, inTurn } = parts;
  return {
    hold: (holder, source, signal) => hold(parts, holder, { source, signal }),
    release: async (holder) => {
      if ((await holds.of(holder)) === undefined) return;
      await drop(parts, holder);
      await images.trim(() => holds.chains());
    },
    sweep: async (living) => {
      await holds.keepOnly(living);
      for (const key of await mounts.mounted()) await unmountUnheld(parts, key);
      await images.clean();
      await images.trim(() => holds.chains());
    },
    list: async () => ({ ...(await list(parts)), budgetBytes: limits.budgetBytes }),
    prune: () => images.prune(() => holds.chains()),
    close: async () => {
      for (const key of await mounts.mounted()) await inTurn(key, () => mounts.unmount(key));
    },
  };
}

async function list({ images, holds }: Parts): Promise<Omit<Stock, 'budgetBytes'>> {
  await holds.load();
  const { shelved, totalBytes } = await images.list();
  const unpacked = shelved.map(({ chain, sources, sizeBytes, usedMs }) => ({
    ...{ id: chain, kind: 'image' as const, sources, sizeBytes, usedAt: new Date(usedMs).toISOString() },
    holders: holds.holdersOf(chain),
  }));
  const mounted = holds.mounted().map((hold) => ({
    ...{ id: hold.key, kind: hold.kind, sources: hold.kind === 'layers' ? hold.paths : [hold.path] },
    ...{ sizeBytes: null, usedAt: null, holders: holds.holdersOf(hold.key) },
  }));
  return { packages: [...unpacked, ...mounted], totalBytes };
}

function turns(): Parts['inTurn'] {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    return turn.finally(() => {
      if (last.get(key) === turn) last.delete(key);
    });
  };
}

type Wish = { readonly source: PackageSource; readonly signal: AbortSignal };

async function hold(parts: Parts, holder: ContainerId, { source, signal }: Wish): Promise<HeldPackage> {
  const { images, mounts, holds, inTurn } = parts;
  const before = await holds.of(holder);
  if (before !== undefined) await refuseChanged(before, images);
  const wanted = before ?? (await orAborted(find(images, source), signal));
  try {
    if (before === undefined) await holds.add(holder, wanted);
    await inTurn(wanted.key, () => mounts.mount(wanted.key, sourceOf(wanted, images)));
  } catch (error) {
    // one that was there before is the sleeping app's
    if (before === undefined) await drop(parts, holder);
    throw error;
  }
  const directory = mounts.placeOf(wanted.key);
  const bundle = wanted.kind === 'image' ? placedIn(directory, wanted.unpacked.bundle) : null;
  return { directory, bundle };
}

async function find(images: Library, source: PackageSource): Promise<Hold> {
  if ('layers' in source) return layersHold(source.layers);
  const located = await locate(source.image);
  const { kind, path } = located;
  if (kind === 'squashfs' || kind === 'erofs') {
    const stamp = await stampOf(path);
    return { kind, key: sha256(JSON.stringify([kind, path, stamp])).slice(0, 32), path, stamp };
  }
  const unpacked = await images.provide(located);
  return { kind: 'image', key: unpacked.chain, path, unpacked };
}

const sourceOf = (held: Hold, { rootOf }: Library): MountSource =>
  held.kind === 'image' ? { kind: 'directory', path: rootOf(held.unpacked.chain) } : held;

const drop = (parts: Parts, holder: ContainerId): Promise<void> =>
  parts.holds.remove(holder, ({ key }) => unmountUnheld(parts, key));

const unmountUnheld = ({ inTurn, holds, mounts }: Parts, key: string): Promise<void> =>
  inTurn(key, async () => {
    if (!holds.isHeld(key)) await mounts.unmount(key);
  });

/** What a sleeping app holds must be what it was. Throws IMAGE_UNUSABLE. */
async function refuseChanged(held: Hold, { rootOf }: Library): Promise<void> {
  const gone = 'is not there any more';
  switch (held.kind) {
    case 'image':
      if (!(await isThere(rootOf(held.unpacked.chain)))) {
        throw changed(held.path, 'was unpacked, and its files are gone');
      }
      return;
    case 'layers':
      for (const path of held.paths) if (!(await isThere(path))) throw changed(path, gone);
      return;
    case 'squashfs':
    case 'erofs': {
      const now = await stampOf(held.path).catch(() => undefined);
      if (now === undefined) throw changed(held.path, gone);
      if (now !== held.stamp) throw changed(held.path, 'is another file than the one that the app was started from');
    }
  }
}

const changed = (path: string, why: string): RuntimeError =>
  new RuntimeError('IMAGE_UNUSABLE', {
    what: `the package ${path} ${why}`,
    next: 'bring the old one back, or terminate the app and run it anew',
    details: { file: path },
  });

/** The work goes on for others who want the same. */
async function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(new RuntimeError('ABORTED', { what: 'waiting for the package was stopped', cause: signal.reason }));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}
