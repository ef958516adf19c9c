/** What apps wrote. */
import type { LogPage } from '../domain/api.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { Wait } from './wait.ts';

export type LogQuery = {
  readonly cursor?: string | undefined;
  readonly tail?: number | undefined;
  readonly limit: number;
};

export type Logs = {
  readonly fileOf: (id: ContainerId) => string;
  /** For CRIU's log of the last dump or restore that failed. */
  readonly criuLogOf: (id: ContainerId) => string;
  readonly read: (id: ContainerId, query: LogQuery) => Promise<Omit<LogPage, 'ended'>>;
  /** Returns when there may be more than at this cursor, or the time is over. */
  readonly changed: (id: ContainerId, wait: Wait & { readonly cursor: string }) => Promise<void>;
  /** Before a new run: an old log is not the new run's. */
  readonly begin: (id: ContainerId) => Promise<void>;
  readonly remove: (id: ContainerId) => Promise<void>;
};
