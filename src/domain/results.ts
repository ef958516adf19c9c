/** Results of methods that are described nowhere else. */

export type LogLine = {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly partial: boolean;
  /** What was written, as base64; only where it is no UTF-8, and `text` therefore not the same. */
  readonly bytes?: string;
};
/** `ended`: the app has ended and everything was read. `gap`: before the first of these lines some may be missing. */
export type LogPage = {
  readonly lines: readonly LogLine[];
  readonly cursor: string;
  readonly ended: boolean;
  readonly gap?: boolean;
};
export type Screenshot = {
  /** PNG, as base64. */
  readonly png: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** False: the last picture of an app that is suspended or hibernated. */
  readonly live: boolean;
};
export type Version = {
  readonly version: string;
  readonly engine: string;
  readonly runtime: string;
  readonly pid: number;
  readonly root: string;
  /** By TCP; null where it listens on its unix socket only. The dashboard is at `/` there. */
  readonly url: string | null;
};

/** What could be had, if somebody mended it. */
export type Lack = { readonly what: string; readonly why: string; readonly next: string };

/** What runs the containers, and can, at this moment. */
export type EngineReport = {
  readonly engine: string;
  readonly runtime: string;
  /** Where it is asked; null when it is part of the daemon. */
  readonly at: string | null;
  /** Whether apps can be started. */
  readonly answers: boolean;
  /** Why it does not answer, and what to do; null when it does. */
  readonly why: string | null;
  readonly next: string | null;
  /** One sentence each, after "it can". */
  readonly can: readonly string[];
  /** What is missing on this device. */
  readonly lacks: readonly Lack[];
  /** What callers can do with another engine and not with this one, one sentence each, after "it cannot". */
  readonly cannot: readonly string[];
};

/** What became of a damaged storage. */
export type StorageRepair = {
  readonly appId: string;
  /** The file with the app's file system; null for storage without a limit, which is a directory of the disk. */
  readonly file: string | null;
  /** False: nothing was wrong with it. */
  readonly repaired: boolean;
  /** What was changed, and so what may be lost, in the words of e2fsck; the first 200 lines. */
  readonly changes: readonly string[];
  /** Lines in all. */
  readonly changeCount: number;
  /** Files without a name that were found again, below the app's storage; the first 200. */
  readonly salvaged: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Undoes the repair: `e2undo UNDO-FILE FILE`. Deleted with the storage. */
  readonly undoFile: string | null;
};

/** Result of an operation: `already` when the instance was so before. */
export type Done = { readonly already: boolean };

/** Of `run`. */
export type Started = {
  readonly appInstanceId: string;
};
