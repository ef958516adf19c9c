/** Finds out what stands in the way of a checkpoint, before and after. */
import type { Finding } from '../domain/hibernation.ts';

export type SurveyOrder = {
  /** Host pids of all processes of the container. */
  readonly pids: readonly number[];
  /** What happens to TCP connections. */
  readonly tcp: 'close' | 'keep';
};

export type CheckpointSurveys = {
  /** Before: goes through the processes in /proc (descriptors, maps, sockets, mounts, threads). */
  readonly survey: (order: SurveyOrder) => Promise<readonly Finding[]>;
  /** What would make a dump hang: quick to see, and told before anything is begun. */
  readonly blockers: (pids: readonly number[]) => readonly Finding[];
  /** Bytes that a dump holds beyond the memory in use: files without a name that are open or mapped, and what is swapped out. */
  readonly savedBesidesMemory: (pids: readonly number[]) => Promise<number>;
  /** After a failure: reads CRIU's log. Never empty: a log that nobody can read yields a finding that says so. */
  readonly readLog: (file: string) => Promise<readonly Finding[]>;
};
