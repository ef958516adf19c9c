/**
 * An app's log as numbered parts. conmon writes `<id>.log`; at its size cap it opens `<id>.log.tmp` (made if it is not there, else
 * truncated) and renames it over `<id>.log`, so that the old file loses its name. Here each file has a second name, `<id>.logs/<n>`:
 * it outlives the rotation, and its inode number cannot be used again while a cursor names it. The file that comes next is linked as
 * `<id>.log.tmp` in advance. So one rotation is recognised for certain, however long nothing looked; after more of them a number is
 * left out, which stands for "lines may be missing here".
 * Source: conmon src/ctr_logging.c, configure_log_drivers, reopen_k8s_file (2.1.2 to 2.2.1).
 */
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import { listDirectory } from '../files/list-directory.ts';

export type Part = {
  readonly number: number;
  readonly path: string;
  readonly inode: bigint;
  readonly sizeBytes: number;
};

export type LogPlace = {
  /** The file that conmon or Dobby writes. */
  readonly file: string;
  /** Whether it goes on in `<file>.tmp`, renamed. */
  readonly rotates: boolean;
};

/** A log has so many parts at most: the present one, the next, one that came unseen, and those before them. */
export const PARTS = 8;
const KEPT = PARTS - 3;
/** A rotation may happen while we look. */
const ATTEMPTS = 5;
const MODE = 0o640;

const partsOf = ({ file }: LogPlace): string => `${file}s`;
const nextOf = ({ file }: LogPlace): string => `${file}.tmp`;
export const previousOf = ({ file }: LogPlace): string => `${file}s.previous`;

type Stat = { readonly inode: bigint; readonly sizeBytes: number };

const look = (path: string): Promise<Stat | undefined> =>
  stat(path, { bigint: true }).then(
    ({ ino, size }) => ({ inode: ino, sizeBytes: Number(size) }),
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    },
  );

/** In order; none where there is no directory. */
export async function partsIn(directory: string): Promise<readonly Part[]> {
  const names = (await listDirectory(directory)).filter((name) => /^[1-9]\d{0,14}$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = `${directory}/${name}`;
      const there = await look(path);
      return there && { number: Number(name), path, ...there };
    }),
  );
  return found.filter((part) => part !== undefined).sort((one, other) => one.number - other.number);
}

/** Of the run before the last `beginParts`. */
export const previousParts = (place: LogPlace): Promise<readonly Part[]> => partsIn(previousOf(place));

export type Parts = {
  readonly parts: readonly Part[];
  /** The part that is written to; undefined when its name was taken away, or nothing was written yet. */
  readonly current: number | undefined;
  /** The second name of the file that comes next: that one gets another name when it comes. */
  readonly next: string | undefined;
};

const nothingKnown = (parts: readonly Part[]): Parts => ({ parts, current: undefined, next: undefined });

/** Looks what has become of the file since the last look, and gives each new part its number. One at a time for a place. */
export async function lookAtParts(place: LogPlace): Promise<Parts> {
  for (let attempt = 1; ; attempt++) {
    const parts = await partsIn(partsOf(place));
    const there = await look(place.file);
    if (there === undefined) return nothingKnown(parts);
    const known = parts.find(({ inode }) => inode === there.inode);
    if (known === undefined) {
      await adopt(place, parts);
    } else {
      const next = place.rotates ? ((await nextIn(place, parts)) ?? (await prepareNext(place, known))) : undefined;
      if (next !== undefined || !place.rotates || attempt >= ATTEMPTS) {
        return { parts: await withoutOldest(parts, known), current: known.number, next };
      }
    }
    if (attempt >= ATTEMPTS) return nothingKnown(parts);
  }
}

/** True when the file that was written to is written to no more. */
export async function hasRotated(place: LogPlace, { parts, current }: Parts): Promise<boolean> {
  const there = await look(place.file);
  return there !== undefined && there.inode !== parts.find(({ number }) => number === current)?.inode;
}

/** A file of which nothing is known: other files may have been between it and the last part. */
async function adopt(place: LogPlace, parts: readonly Part[]): Promise<void> {
  const last = parts.at(-1);
  // the part that was to come next is still to come
  const isWaiting = (await nextIn(place, parts)) !== undefined;
  const number = last === undefined ? await firstNumber(place) : last.number + (isWaiting ? 1 : 2);
  if (last !== undefined && isWaiting) await rename(last.path, `${partsOf(place)}/${number + 1}`);
  await mkdir(partsOf(place), { recursive: true, mode: 0o700 });
  await link(place.file, `${partsOf(place)}/${number}`).catch(ignore('ENOENT'));
  // the file that was waiting may have become the present one meanwhile
  const [linked, taken] = await Promise.all([
    look(`${partsOf(place)}/${number}`),
    look(`${partsOf(place)}/${number + 1}`),
  ]);
  if (linked !== undefined && linked.inode === taken?.inode) await rm(`${partsOf(place)}/${number}`, { force: true });
}

/** The part that waits to come. */
async function nextIn(place: LogPlace, parts: readonly Part[]): Promise<string | undefined> {
  const waiting = await look(nextOf(place));
  const last = parts.at(-1);
  return waiting !== undefined && last?.inode === waiting.inode ? last.path : undefined;
}

/** Undefined when the file is about to change, or has changed meanwhile. Nothing waited when this was called. */
async function prepareNext(place: LogPlace, current: Part): Promise<string | undefined> {
  const isStill = async (): Promise<boolean> => (await look(place.file))?.inode === current.inode;
  // what waited before may be the present file by now: that one must never wait again, conmon would empty it
  if (!(await isStill())) return undefined;
  const path = `${partsOf(place)}/${current.number + 1}`;
  // of a look that was killed: it neither waits nor is written to
  await rm(path, { force: true });
  await (await open(path, 'wx', MODE)).close();
  // conmon is between its open and its rename: the file is its own
  const isLinked = await link(path, nextOf(place)).then(
    () => true,
    (error: unknown) => {
      ignore('EEXIST')(error);
      return false;
    },
  );
  if (await isStill()) return isLinked ? path : undefined;
  // whether that was the first file after the current one is not certain
  await rename(path, `${partsOf(place)}/${current.number + 2}`);
  return undefined;
}

async function withoutOldest(parts: readonly Part[], current: Part): Promise<readonly Part[]> {
  const before = parts.filter(({ number }) => number < current.number);
  const excess = before.slice(0, Math.max(0, before.length - KEPT));
  await Promise.all(excess.map(({ path }) => rm(path, { force: true })));
  return parts.slice(excess.length);
}

async function firstNumber(place: LogPlace): Promise<number> {
  return ((await previousParts(place)).at(-1)?.number ?? 0) + 1;
}

/** Before a new run: the parts that are there become those of the run before. */
export async function beginParts(place: LogPlace): Promise<void> {
  await lookAtParts(place);
  const parts = await partsIn(partsOf(place));
  if (parts.some(({ sizeBytes }) => sizeBytes > 0)) {
    await rm(previousOf(place), { recursive: true, force: true });
    await rename(partsOf(place), previousOf(place));
    await Promise.all(
      parts
        .filter(({ sizeBytes }) => sizeBytes === 0)
        .map(({ number }) => rm(`${previousOf(place)}/${number}`, { force: true })),
    );
  }
  await Promise.all([place.file, nextOf(place)].map((file) => rm(file, { force: true })));
  await rm(partsOf(place), { recursive: true, force: true });
  // also when it was removed with everything in it
  await mkdir(partsOf(place), { recursive: true, mode: 0o700 });
  if (!place.rotates) return;
  const first = `${partsOf(place)}/${await firstNumber(place)}`;
  await (await open(first, 'a', MODE)).close();
  await link(first, place.file);
  await lookAtParts(place);
}

export async function removeParts(place: LogPlace): Promise<void> {
  await Promise.all([place.file, nextOf(place)].map((file) => rm(file, { force: true })));
  await Promise.all([partsOf(place), previousOf(place)].map((path) => rm(path, { recursive: true, force: true })));
}

const ignore =
  (code: string) =>
  (error: unknown): undefined => {
    if (!isErrno(error, code)) throw error;
  };
