/** The last picture of each app that sleeps, for as long as it sleeps. */
import type { ContainerId } from '../domain/ids.ts';

export type KeptPicture = {
  readonly png: Buffer;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
};

export type Pictures = {
  readonly keep: (id: ContainerId, png: Buffer) => Promise<void>;
  readonly find: (id: ContainerId) => Promise<KeptPicture | undefined>;
  readonly remove: (id: ContainerId) => Promise<void>;
};
