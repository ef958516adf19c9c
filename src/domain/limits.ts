/** What an instance may use of the machine; null: no limit of its own. */
export type Limits = {
  readonly memoryBytes: number | null;
  /** Cores' worth of time. */
  readonly cpus: number | null;
  /** Processes and threads at once. */
  readonly pids: number;
};
