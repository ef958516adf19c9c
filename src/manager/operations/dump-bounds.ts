/** Before a hibernation: what is known of it, and how long it may take. */
import type { State } from '../../domain/states.ts';
import type { Ended } from '../../ports/engine.ts';
import type { HibernationRecord } from '../../ports/journal.ts';
import type { World } from '../world.ts';

const MIB = 2 ** 20;
/** A slow disk; the time limit of a dump grows with the memory. */
const MS_PER_MIB = 100;

export const dumpTimeoutMs = ({ settings }: World, bytes: number): number =>
  settings.hibernation.timeoutMs + (bytes / MIB) * MS_PER_MIB;

/** What has become of one whose hibernation failed. */
export const notHibernated = (id: string, from: State, ended: Ended | undefined): string =>
  `${id} was not hibernated and ${ended === undefined ? `is ${from} again` : 'has ended'}`;

/** Of an app that was not hibernated yet. */
export const NEVER: HibernationRecord = {
  from: 'RUNNING',
  target: 'RUNNING',
  image: null,
  dump: null,
  wake: null,
  failureLog: null,
  wakes: 0,
};
