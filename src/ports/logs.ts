/** What apps wrote. */
import type { LogPage } from '../domain/api.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { Wait } from './wait.ts';

export type LogQuery = {
  readonly cursor?: string | undefined;
  readonly tail?: number | undefined;
  readonly limit: number;
  /** Of the run before the present one. */
  readonly previous?: boolean | undefined;
  /** The app has ended: what has no line end yet gets none. */
  readonly isComplete: boolean;
};

export type Logs = {
  readonly fileOf: (id: ContainerId) => string;
  /** For CRIU's log of the last dump or restore that failed. */
  readonly criuLogOf: (id: ContainerId) => string;
  /** What one file may have of what all of an app's log may. */
  readonly partBytes: (logMaxBytes: number) => number;
  /** Throws NOT_FOUND when there is no log of a previous run, INVALID_ARGUMENT for what is no cursor. */
  readonly read: (id: ContainerId, query: LogQuery) => Promise<Omit<LogPage, 'ended'>>;
  /** Keeps every part of these apps' logs in sight, and no other's. */
  readonly attend: (living: ReadonlySet<ContainerId>) => Promise<void>;
  /** Returns when there may be more than at this cursor, or the time is over. */
  readonly changed: (id: ContainerId, wait: Wait & { readonly cursor: string }) => Promise<void>;
  /** Before a new run: the log of the last run is kept as the previous one. */
  readonly begin: (id: ContainerId) => Promise<void>;
  readonly remove: (id: ContainerId) => Promise<void>;
};
