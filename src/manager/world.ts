/** Everything the manager works with; built in main.ts, handed on as one argument. */
import type { DeviceProblem } from '../domain/health.ts';
import type { WakeTarget } from '../domain/wire.ts';
import type { Clock } from '../ports/clock.ts';
import type { CheckpointSurveys } from '../ports/checkpoint-surveys.ts';
import type { Displays } from '../ports/displays.ts';
import type { Engine } from '../ports/engine.ts';
import type { Images } from '../ports/images.ts';
import type { Insides } from '../ports/insides.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Logs } from '../ports/logs.ts';
import type { OwnPlaces } from '../ports/own-places.ts';
import type { Packages } from '../ports/packages.ts';
import type { Pictures } from '../ports/pictures.ts';
import type { RootFilesystems } from '../ports/root-filesystems.ts';
import type { Storage } from '../ports/storage.ts';
import type { AppDefaults } from '../spec/defaults.ts';
import type { Platform } from '../spec/platform/platform.ts';
import type { Announcer } from './announcer.ts';
import type { NetworkLeases } from './network-leases.ts';
import type { UserIds } from './user-ids.ts';

export type HibernationSettings = {
  /** For a dump or a restore; more for each MB of memory. */
  readonly timeoutMs: number;
  /** Pages of images above this size come when they are touched; below it at once, which is quicker then. */
  readonly lazyPagesAboveBytes: number;
  /** 0: never. */
  readonly compressAfterMs: number;
  /** Whether who asked for a hibernation waits for the flush. */
  readonly durability: 'beforeAnswer' | 'afterAnswer';
  /** Name and version for the image's manifest. */
  readonly runtime: string;
  readonly criu: string;
};

export type Settings = {
  /** Between SIGTERM and SIGKILL, unless the app says otherwise. */
  readonly terminateGraceMs: number;
  /** For create and start together. */
  readonly startTimeoutMs: number;
  readonly freezeTimeoutMs: number;
  /** How long a program that is run in an app may stand still before it is killed. */
  readonly execStandstillMs: number;
  readonly hibernation: HibernationSettings;
  /** From SIGKILL until the last process must be gone, and for removing what is left. */
  readonly killTimeoutMs: number;
  readonly logMaxBytes: number;
  /** How many ended instances are remembered. */
  readonly keepEnded: number;
  /** Host ids of the containers' root users: uid + this. Nobody else uses them. */
  readonly rootIdOffset: number;
  readonly architecture: 'x64' | 'arm64';
  /** Of the apps; at least the daemon's own (lowering it takes a privilege), never below 0. */
  readonly oomScoreAdj: number;
  readonly bootId: string;
  /** Thunder (`HOST:PORT`) as it is told to apps that may use it; null: neither `thunder.url` nor THUNDER_ACCESS says. */
  readonly thunderAccess: string | null;
  /** Null: no file of the device was named. */
  readonly platform: Platform | null;
  /** Of this machine. */
  readonly cores: number;
  /** Whether the kernel counts what apps swap. */
  readonly countsSwap: boolean;
  /** Limits of apps that have none of their own. */
  readonly appDefaults: AppDefaults;
  /** Device nodes, and directories of them, that callers may give to apps. */
  readonly allowedDevices: readonly string[];
  /** What upstream's argument of `wake` means. */
  readonly wakeTarget: WakeTarget;
  readonly root: string;
  /** Where browsers reach the daemon; null: nowhere. */
  readonly webAddress: () => string | null;
};

export type World = {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly logs: Logs;
  readonly images: Images;
  readonly insides: Insides;
  readonly surveys: CheckpointSurveys;
  readonly storage: Storage;
  readonly displays: Displays;
  readonly pictures: Pictures;
  readonly rootfs: RootFilesystems;
  readonly packages: Packages;
  readonly log: Log;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly userIds: UserIds;
  readonly networks: NetworkLeases;
  readonly announcer: Announcer;
  readonly places: OwnPlaces;
  /** Of the machine, and of how the daemon was started. */
  readonly deviceProblems: () => readonly DeviceProblem[];
};
