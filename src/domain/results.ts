/** Results of methods that are described nowhere else. */

export type LogLine = {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly partial: boolean;
};
/** `ended`: the app has ended and everything was read. */
export type LogPage = { readonly lines: readonly LogLine[]; readonly cursor: string; readonly ended: boolean };
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

/** Result of an operation: `already` when the instance was so before. */
export type Done = { readonly already: boolean };
