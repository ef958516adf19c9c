/** Intent, on disk before effect: instances, leases, events. What a commit answers is durable. */
import type { App } from '../domain/app.ts';
import type { AppEvent, EventPage, NewEvent } from '../domain/events.ts';
import type { ExitCause, ExitRecord } from '../domain/exit.ts';
import type { DumpFigures, ImageInfo, WakeFigures } from '../domain/hibernation.ts';
import type { IdsFrom } from '../domain/info.ts';
import type { NetworkLease } from '../domain/network.ts';
import type { AppId, AppInstanceId, ContainerId } from '../domain/ids.ts';
import type { UpstreamRun } from '../domain/runtime-config.ts';
import type { State } from '../domain/states.ts';
import type { DisplayView } from '../domain/view.ts';
import type { Live } from './engine.ts';
import type { ProcessId } from './processes.ts';

export type HibernationRecord = {
  /** What the app was before, and is again when the hibernation fails. */
  readonly from: 'RUNNING' | 'SUSPENDED';
  /** What the wake under way is to make of it. */
  readonly target: 'RUNNING' | 'SUSPENDED';
  /** The image on disk; null when there is none, or none any more. */
  readonly image: ImageInfo | null;
  readonly dump: DumpFigures | null;
  /** `pages`: who still brings pages from the image, which must stay for that. */
  readonly wake: (WakeFigures & { readonly pages: ProcessId | null }) | null;
  /** CRIU's log of the last attempt that failed. */
  readonly failureLog: string | null;
  readonly wakes: number;
  /** Of an app that is hibernated in place, without an image that says it; ISO 8601. */
  readonly hibernatedAt?: string;
};

export type RestartRecord = {
  /** In a row: who has run well is counted anew. With the one that is due. */
  readonly attempts: number;
  /** ISO 8601; null when none is due. */
  readonly dueAt: string | null;
};

export type InstanceRecord = {
  readonly appInstanceId: AppInstanceId;
  readonly appId: AppId;
  readonly containerId: ContainerId;
  readonly state: State;
  readonly app: App;
  /** RDK's words that became `app`; absent for our own. */
  readonly upstream?: UpstreamRun;
  readonly uid: number;
  readonly gid: number;
  readonly live: Live | null;
  /** Boot in which `live` was seen (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  /** What was asked for and is left out, and what has no limit; absent in records of older versions. */
  readonly notes?: readonly string[];
  /** Parts of RDK's configuration that were not taken as they were given. */
  readonly warnings?: readonly string[];
  /** Absent in records of older versions. */
  readonly idsFrom?: IdsFrom | undefined;
  /** What ends it, once that is decided; explains the exit after a crash of the daemon. */
  readonly ending: ExitCause | null;
  readonly exit: ExitRecord | null;
  /** Everything was given back. */
  readonly released: boolean;
  /** Null before the first hibernation. */
  readonly hibernation: HibernationRecord | null;
  /** Null for a run that a caller asked for, until it has failed. */
  readonly restart: RestartRecord | null;
  /** Address and ports, for an app in the network nat; absent in records of older versions. */
  readonly network?: NetworkLease | null;
  /** How callers want its display to be; absent until one wants it otherwise than it is made. */
  readonly view?: DisplayView;
  /** Made by `mount`, in the order in which they were; besides those of `app`. */
  readonly mounts: App['mounts'];
  readonly annotations: Readonly<Record<string, string>>;
  /** Rises with each change of the annotations, over all runs. */
  readonly annotationRevision: number;
};

export type UserIdLease = {
  readonly appId: AppId;
  readonly uid: number;
  readonly gid: number;
  /** ISO 8601; null while an instance of the app lives. */
  readonly releasedAt: string | null;
  /** Absent in leases of older versions. */
  readonly from?: IdsFrom | undefined;
};

/** All of it or nothing is written. */
export type Change = {
  readonly instances?: readonly InstanceRecord[];
  readonly userIds?: readonly UserIdLease[];
  readonly droppedUserIds?: readonly AppId[];
  readonly forgotten?: readonly AppInstanceId[];
  readonly facts?: Readonly<Record<string, string>>;
  readonly events?: readonly NewEvent[];
  /** It says what has happened already: also on a full disk it is written, from room that is kept for it. */
  readonly essential?: boolean;
};

/** One that cannot be read: what it is of, and its key. */
export type DamagedRecord = { readonly what: 'instance' | 'user id'; readonly id: string };

export type Remembered = {
  /** They stay in the journal as they are. */
  readonly damaged: readonly DamagedRecord[];
  readonly instances: readonly InstanceRecord[];
  readonly userIds: readonly UserIdLease[];
  readonly facts: Readonly<Record<string, string>>;
  readonly lastSeq: number;
};

export type EventQuery = {
  readonly since: number;
  readonly limit: number;
  readonly appInstanceId?: AppInstanceId | undefined;
  /** The last ones of them instead of the first. */
  readonly newest?: boolean;
};

export type Journal = {
  readonly load: () => Promise<Remembered>;
  /** Durable when it returns; the events with their numbers, which rise in the order of the calls. */
  readonly commit: (change: Change) => Promise<readonly AppEvent[]>;
  readonly events: (query: EventQuery) => Promise<EventPage>;
  readonly close: () => Promise<void>;
};
