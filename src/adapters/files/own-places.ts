/** Looks after the daemon's own directories by their inodes, with one stat(2) each: cheap enough for every second. */
import { chmodSync, chownSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';
import type { DeviceProblem } from '../../domain/health.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { OwnPlaces } from '../../ports/own-places.ts';

export type OwnPlace = {
  readonly path: string;
  /** A file cannot be made again. */
  readonly kind: 'directory' | 'file';
  /** What was in it and cannot be made again, and what follows from that. */
  readonly lost: string;
  readonly next: string;
  /** Called when the directory was made again, with the containers that run. */
  readonly onMade?: (living: readonly ContainerId[]) => void;
};

type Seen = Pick<Stats, 'dev' | 'ino' | 'mode' | 'uid' | 'gid'>;

/** As long as a failed operation is told. */
const REMEMBERED_MS = 3_600_000;

/** `places`: each after the one that it lies in. A place that is not there yet is looked after from the moment on that it is. */
export function ownPlaces(places: readonly OwnPlace[], now: () => string): OwnPlaces {
  const seen = new Map<string, Seen>();
  const told = new Map<string, DeviceProblem>();

  function lookAt(place: OwnPlace, living: readonly ContainerId[]): DeviceProblem | undefined {
    const { path } = place;
    const [before, is] = [seen.get(path), statOf(path)];
    const isStillWrong = told.get(path)?.state === 'fail';
    if (before === undefined || (is?.ino === before.ino && is.dev === before.dev)) {
      if (is !== undefined) seen.set(path, is);
      if (isStillWrong) told.delete(path);
      return undefined;
    }
    if (isStillWrong && place.kind === 'file') return undefined;
    const fault = place.kind === 'file' ? 'a file is not made again' : makeAgain(path, before, is);
    if (isStillWrong && fault !== undefined) return undefined;
    const problem = problemOf(place, { isGone: is === undefined, fault, since: now() });
    told.set(path, problem);
    const made = fault === undefined ? statOf(path) : undefined;
    if (made !== undefined) seen.set(path, made);
    if (made !== undefined) place.onMade?.(living);
    return problem;
  }

  return {
    look: (living) => places.flatMap((place) => lookAt(place, living) ?? []),
    problems: () => {
      const oldest = Date.parse(now()) - REMEMBERED_MS;
      return [...told.values()].filter(({ state, since }) => state === 'fail' || Date.parse(since ?? '') > oldest);
    },
  };
}

/** Undefined when nothing is there. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

/** With the owner and mode that it had. Why it cannot be made, if so. */
function makeAgain(path: string, { mode, uid, gid }: Seen, is: Stats | undefined): string | undefined {
  if (is !== undefined && !is.isDirectory()) return 'something that is no directory is in its place';
  try {
    if (is === undefined) mkdirSync(path, { mode: 0o700 });
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o7777);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Found = { readonly isGone: boolean; readonly fault: string | undefined; readonly since: string };

function problemOf({ path, kind, lost, next }: OwnPlace, { isGone, fault, since }: Found): DeviceProblem {
  const what = `${path} was ${isGone ? 'removed' : 'replaced'} while the daemon ran`;
  if (fault === undefined) {
    return { code: 'DIRECTORY_REMOVED', state: 'warn', what: `${what}; it was made again`, why: lost, next, since };
  }
  if (kind === 'file') return { code: 'FILE_REMOVED', state: 'fail', what, why: lost, next, since };
  return {
    ...{ code: 'DIRECTORY_REMOVED', state: 'fail', what: `${what} and cannot be made again`, why: `${fault}; ${lost}` },
    ...{ next: `move away what is there: mv ${path} ${path}.aside; the daemon makes it again by itself`, since },
  };
}
