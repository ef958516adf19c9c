/** What is ours inside a container, as a directory on the host that is bound read-only: process 1's program, and notes for the app. */
import type { ContainerId } from '../domain/ids.ts';

export type WakeNote = {
  /** ISO 8601, UTC. */
  readonly hibernatedAt: string;
  readonly wokenAt: string;
  readonly sleptMs: number;
  readonly wakes: number;
};

export type Insides = {
  readonly pathOf: (id: ContainerId) => string;
  /** Makes it, or makes it whole again after a reboot. */
  readonly prepare: (id: ContainerId) => Promise<string>;
  /** Written whole: the app may read at any moment. */
  readonly noteWake: (id: ContainerId, note: WakeNote) => Promise<void>;
  readonly remove: (id: ContainerId) => Promise<void>;
};
