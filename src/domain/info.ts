/** What is known about an instance: the result of `getInfo` and, shorter, of `list`. */
import type { ExitRecord } from './exit.ts';
import type { DumpFigures, ImageInfo, WakeFigures } from './hibernation.ts';
import type { AppId, AppInstanceId, ContainerId } from './ids.ts';
import type { PublishedPort } from './network.ts';
import type { Limits } from './limits.ts';
import type { Operation, State } from './states.ts';

/** Where an app's ids come from: its own of the range `userIds`, `userId`/`groupId` of `run`, or RDK's configuration (`userIds.honour`). */
export type IdsFrom = 'range' | 'caller' | 'runtimeConfigObject';

/** Read from the kernel, at most 50 ms before the answer; null where nothing runs. */
export type Readings = {
  readonly memory: { readonly usageBytes: number; readonly limitBytes: number | null };
  /** CPU time used so far, in ns. */
  readonly cpu: { readonly usageNs: number };
  readonly pids: { readonly current: number; readonly limit: number | null };
};

/** Of an app's private directory. `limitBytes` null: as much as there is on the disk. */
export type StorageUse = { readonly usedBytes: number; readonly limitBytes: number | null };

/** One app's storage, as `listStorage` tells. */
export type StorageEntry = StorageUse & {
  readonly appId: AppId;
  readonly uid: number;
  readonly path: string;
  /** An instance of it is there, so it cannot be cleared or deleted. */
  readonly inUse: boolean;
};

export type AppSummary = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  readonly state: State;
  /** Process id on the host of the container's first process; null when it has none. */
  readonly pid: number | null;
  readonly uid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string | null;
  readonly exit: ExitRecord | null;
  readonly memory: Readings['memory'] | null;
};

export type AppInfo = Omit<AppSummary, 'memory'> & {
  readonly containerId: ContainerId;
  readonly gid: number;
  /** Why it has `uid` and `gid`; an app keeps them over runs. */
  readonly idsFrom: IdsFrom;
  readonly createdAt: string;
  /** The operation under way, if any. */
  readonly operation: Operation | null;
  readonly allowed: readonly Operation[];
  /** Whether conmon still watches; without it the exit code will be lost, not the app. */
  readonly monitored: boolean;
  readonly memory: Readings['memory'] | null;
  readonly cpu: Readings['cpu'] | null;
  readonly pids: Readings['pids'] | null;
  readonly network: {
    readonly mode: 'none' | 'nat' | 'host';
    /** Of the app, in the network nat; null otherwise, and when it has ended. */
    readonly address: string | null;
    /** The machine, as the app sees it. */
    readonly gateway: string | null;
    /** Ports of the machine that lead to the app. */
    readonly ports: readonly PublishedPort[];
  };
  /** As they were asked for; of an instance that sleeps: in force when it wakes. */
  readonly limits: Limits;
  /** Null: it has none. */
  readonly display: {
    readonly displayName: string;
    /** On the host. */
    readonly socket: string;
    /** As it was asked for; of a suspended app: as it is when it runs on; of somebody else's display: as it was made. */
    readonly visible: boolean;
    /** Input is for it now, and a parent screen shows it. */
    readonly focused: boolean;
    readonly zOrder: number;
    /** In pixels; null: whoever made the display chose. */
    readonly width: number | null;
    readonly height: number | null;
  } | null;
  readonly hibernation: {
    readonly enabled: boolean;
    readonly tcp: 'close' | 'keep';
    /** On disk now; `durable` says whether it would survive a power cut. */
    readonly image: ImageInfo | null;
    /** Of the last dump: ms in all and by phase, memory given back. */
    readonly dump: DumpFigures | null;
    /** Of the last wake; `complete` when every page has come from the image. */
    readonly wake: (WakeFigures & { readonly complete: boolean }) | null;
    readonly wakes: number;
    /** CRIU's log of the last attempt that failed. */
    readonly failureLog: string | null;
  };
  /** Those of its description, and those that came while it ran (`live`). */
  readonly mounts: readonly {
    readonly source: string;
    readonly destination: string;
    readonly readOnly: boolean;
    readonly live: boolean;
  }[];
  readonly restart: {
    readonly policy: 'never' | 'on-failure' | 'always';
    /** In a row, with the one that is due. */
    readonly attempts: number;
    /** It is given up after so many; null: never. */
    readonly maxRetries: number | null;
    /** When the next one is due (ISO 8601, UTC); null when none is. */
    readonly dueAt: string | null;
  };
  /** What was asked for at `run` and is left out, and what has no limit. */
  readonly notes: readonly string[];
  /** Parts of `runtimeConfigObject` that were not taken as they were given: unknown members, ids. */
  readonly warnings: readonly string[];
  /** Notes of callers. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Rises with each change of the annotations. */
  readonly annotationRevision: number;
  /** The app's private directory on the host, seen as /data inside. */
  readonly storage: string;
  /** Null where there is no limit (`listStorage` counts then) or nothing is mounted now. */
  readonly storageUse: StorageUse | null;
  readonly logFile: string;
};
