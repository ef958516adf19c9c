import type { ContainerId } from '../../domain/ids.ts';
import type { Proof } from '../../domain/hibernation.ts';
import type { Readings } from '../../domain/info.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes } from '../../ports/processes.ts';
import type { DobbyCalls } from './calls.ts';
import type { Containers } from './containers.ts';
import type { Figures } from './figures.ts';
import type { ProgramReader } from './program.ts';
import type { Traits, Way } from './ways.ts';

/** Control groups as Dobby names them: `/ID` in every hierarchy. Looked at, never written, but to thaw what is to die. */
export type Groups = {
  readonly readings: (name: string) => Readings | undefined;
  readonly oomKills: (name: string) => number;
  readonly thaw: (name: string) => Promise<void>;
};

export type DobbySettings = {
  readonly start: 'auto' | 'bundle' | 'spec';
  /** Options of memcr: `dest=DIR,compress=lz4|zstd`, or empty. */
  readonly hibernateOptions: string;
  readonly liveMounts: boolean;
  readonly callTimeoutMs: number;
};

/** What the engine is made of. */
export type Parts = {
  readonly way: Way;
  readonly traits: Traits;
  readonly calls: DobbyCalls;
  readonly containers: Containers;
  readonly figures: Figures;
  readonly groups: Groups;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: DobbySettings;
  readonly memcrSocket: string;
  /** As {@link Engine.hibernates}. */
  readonly hibernates: () => Promise<Proof | undefined>;
  readonly program: ProgramReader;
  /** Ours of a container: there before Dobby is asked to start it, so that every container of ours is found again. */
  readonly bundleOf: (id: ContainerId) => string;
  readonly listBundles: () => Promise<readonly ContainerId[]>;
  /** Whether the app of this OCI configuration will find Dobby's process 1. */
  readonly hasInit: (config: object) => Promise<boolean>;
};
