/** memcr, which writes the memory of Dobby's apps out, and what is known of it without a trial. */
import { stat } from 'node:fs/promises';
import type { Proof } from '../../domain/hibernation.ts';
import type { Lack } from '../../domain/results.ts';
import type { DobbyProgram } from './program.ts';

/** Dobby looks for it there and nowhere else (DobbyHibernate.cpp, DFL_LOCATOR). */
export const MEMCR_SOCKET = '/tmp/memcrcom';

/** `-N`: each app has a network namespace of its own, and memcr's abstract socket with it (memcr's README). */
const START = `start memcr -N -l ${MEMCR_SOCKET} (docs/dobby.md)`;

/** Changes with every start of memcr; undefined when its socket is not there. */
export const memcrLife = (socket: string): Promise<string | undefined> =>
  stat(socket).then(
    (found) => (found.isSocket() ? `${found.ino} ${found.ctimeMs}` : undefined),
    () => undefined,
  );

export type Memcr = {
  readonly isThere: boolean;
  /** Undefined: it cannot be seen. */
  readonly program: Pick<DobbyProgram, 'withoutMemcr'> | undefined;
};

export const NOT_BUILT_IN = {
  what: 'this Dobby was built without memcr',
  why: 'it says yes to every hibernation, and lets the app run on',
  next: 'build Dobby with DOBBY_HIBERNATE_MEMCR_IMPL=ON',
} as const;

export const NOT_THERE = {
  what: `memcr does not listen at ${MEMCR_SOCKET}`,
  why: 'Dobby has the memory of apps written out by memcr, a daemon of its own, and looks for it there',
  next: `${START}, on the same machine and with the same /tmp as Dobby`,
} as const;

/** What keeps every app from hibernation, as far as it is seen without a trial. */
export function memcrLack({ isThere, program }: Memcr): Lack | null {
  const found = program?.withoutMemcr === true ? NOT_BUILT_IN : isThere ? null : NOT_THERE;
  return found && { ...found, what: `no app can be hibernated: ${found.what}` };
}

const NOT_TRIED: Proof = {
  possible: null,
  why: 'it was not tried',
  next: 'run runtimectl doctor as root, or start the daemon and ask it: runtimectl engine',
};

/** What a trial has said; undefined: none was made. */
export function trialLack(proof: Proof = NOT_TRIED): Lack | null {
  if (proof.possible === true) return null;
  const { possible, why, next } = proof;
  const what =
    possible === false ? 'no app can be hibernated: it was tried' : 'whether apps can be hibernated is not known yet';
  return { what, why, next };
}
