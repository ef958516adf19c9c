/**
 * What a tool may write while it copies or unpacks an image. A few bytes can be made into terabytes, so everything is bounded on the
 * way: the size of the whole and of each file, the number of files, and what stays free on the disk.
 */
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { RuntimeError } from '../../domain/errors.ts';
import { formatSize } from '../../domain/size.ts';
import { invalid, type Located } from './reference.ts';
import type { PackageTools } from './tools.ts';

export type PackageLimits = {
  /** 0: no image is kept that no app uses, and none is too large for it. */
  readonly budgetBytes: number;
  /** Of one image: files, directories and links. */
  readonly maxFiles: number;
  /** How many times its own size an image may become, once it is more than {@link SMALL_BYTES}. */
  readonly maxExpansion: number;
  /** What unpacking leaves free of the disk, but never more than a twentieth of it. */
  readonly keepFreeBytes: number;
};

/** Ordinary images of text and empty files have a high ratio, and do no harm. */
const SMALL_BYTES = 512 * 2 ** 20;
const RESERVED_SHARE = 0.05;
const RESERVED_INODES = 10_000;
const LOOK_MS = 100;
/** A look through all files takes at most about this share of the time. */
const LOOK_SHARE = 0.1;
const MIN_PAUSE_MS = 250;

export type Bounds = {
  /** For errors. */
  readonly source: string;
  readonly maxBytes: number;
  readonly maxFiles: number;
  readonly keepFreeBytes: number;
  /** Thrown when there is more than `maxBytes`. */
  readonly tooLarge: () => RuntimeError;
};

export async function boundsFor(located: Located, limits: PackageLimits): Promise<Bounds> {
  const { budgetBytes, maxFiles, maxExpansion, keepFreeBytes } = limits;
  const source = located.path;
  const ownBytes = await sizeOfSource(located);
  const expanded = Math.max(SMALL_BYTES, ownBytes * maxExpansion);
  const isBudget = budgetBytes > 0 && budgetBytes <= expanded;
  const tooLarge = (): RuntimeError =>
    isBudget
      ? new RuntimeError('NO_SPACE', {
          what: `${source} unpacks to more than ${formatSize(budgetBytes)}, the budget of all unpacked images`,
          next: 'raise packages.budgetBytes in the configuration, or use a smaller image',
          details: { file: source, budgetBytes },
        })
      : invalid(
          source,
          `unpacks to more than ${formatSize(expanded)}: over ${maxExpansion} times its own ${formatSize(ownBytes)}`,
          'do not use this image if you do not know why; packages.maxExpansion in the configuration allows more',
        );
  return { source, maxBytes: isBudget ? budgetBytes : expanded, maxFiles, keepFreeBytes, tooLarge };
}

/** Holes do not count: they cost whoever made the file nothing. */
async function sizeOfSource({ kind, path }: Located): Promise<number> {
  if (kind !== 'oci') return onDisk(path);
  const blobs = join(path, 'blobs', 'sha256');
  // a layout that cannot be read is refused where it is copied, with the reason
  const sizes = await Promise.all((await readdir(blobs).catch(() => [])).map((name) => onDisk(join(blobs, name))));
  return sizes.reduce((sum, one) => sum + one, 0);
}

const onDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ size, blocks }) => Math.min(size, blocks * 512),
    () => 0,
  );

/** The same tools, stopped when what they write to one of `places` exceeds the bounds. Throws NO_SPACE, BUNDLE_INVALID. */
export function boundedTools(tools: PackageTools, bounds: Bounds, places: readonly string[]): PackageTools {
  return async (argv, options = {}) => {
    const stop = new AbortController();
    const done = new AbortController();
    const watching = watch({ tools, bounds, places, stop, done: done.signal });
    try {
      return await tools(argv, { ...options, signal: stop.signal, maxFileBytes: bounds.maxBytes });
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      throw isTooLargeFile(error) ? bounds.tooLarge() : error;
    } finally {
      done.abort();
      await watching;
    }
  };
}

/** EFBIG, by RLIMIT_FSIZE. */
const isTooLargeFile = (error: unknown): boolean =>
  error instanceof RuntimeError && typeof error.cause === 'string' && /file too large/i.test(error.cause);

type Watch = {
  readonly tools: PackageTools;
  readonly bounds: Bounds;
  readonly places: readonly string[];
  readonly stop: AbortController;
  readonly done: AbortSignal;
};

async function watch({ tools, bounds, places, stop, done }: Watch): Promise<void> {
  let dueMs = performance.now() + MIN_PAUSE_MS;
  try {
    for await (const _ of setInterval(LOOK_MS, undefined, { signal: done, ref: false })) {
      await refuseFullDisk(bounds, places);
      const beganMs = performance.now();
      if (beganMs < dueMs) continue;
      await refuseBeyond(tools, bounds, places);
      const tookMs = performance.now() - beganMs;
      dueMs = beganMs + Math.max(MIN_PAUSE_MS, tookMs / LOOK_SHARE);
    }
  } catch (error) {
    if (!done.aborted) stop.abort(error);
  }
}

/** Looks through all of `places`, those that are not there yet left out. Throws NO_SPACE, BUNDLE_INVALID. */
export async function refuseBeyond(tools: PackageTools, bounds: Bounds, places: readonly string[]): Promise<void> {
  const { source, maxBytes, maxFiles } = bounds;
  // 1: what was there a moment ago is not there any more
  const use = async (...how: readonly string[]): Promise<readonly number[]> => {
    const { stdout } = await tools(['du', '--summarize', ...how, '--', ...places], { accept: [0, 1] });
    return stdout.split('\n').map((line) => Number.parseInt(line, 10));
  };
  if ((await use('--block-size=1')).some((bytes) => bytes > maxBytes)) throw bounds.tooLarge();
  if ((await use('--inodes')).some((count) => count > maxFiles)) {
    throw invalid(
      source,
      `has more than ${maxFiles} files and directories`,
      'do not use this image if you do not know why; packages.maxFiles in the configuration allows more',
    );
  }
}

async function refuseFullDisk({ source, keepFreeBytes }: Bounds, [place = '']: readonly string[]): Promise<void> {
  // a directory that is not there is told by the first write to it
  const disk = await statfs(place).catch(() => undefined);
  if (disk === undefined) return;
  const freeBytes = disk.bavail * disk.bsize;
  const reserve = Math.min(keepFreeBytes, disk.blocks * disk.bsize * RESERVED_SHARE);
  // file systems without a table of inodes have 0 of them (statfs(2))
  const isShort = disk.files > 0 && disk.ffree < Math.min(RESERVED_INODES, disk.files * RESERVED_SHARE);
  if (freeBytes >= reserve && !isShort) return;
  throw new RuntimeError('NO_SPACE', {
    what: isShort
      ? `${source} cannot be unpacked: the disk of the packages has ${disk.ffree} of ${disk.files} inodes left`
      : `${source} cannot be unpacked: the disk of the packages has ${formatSize(freeBytes)} free, and ${formatSize(reserve)} stay free`,
    next: 'make room on the disk of the packages (runtimectl packages prune), or lower packages.keepFreeBytes',
    details: { file: source, freeBytes, freeInodes: disk.ffree },
  });
}
