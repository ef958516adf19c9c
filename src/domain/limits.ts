/** What an instance may use of the machine; null: no limit of its own. */
export type Limits = {
  readonly memoryBytes: number | null;
  /** Swap beyond that; null where memory has no limit. A kernel that does not count swap cannot hold to it. */
  readonly swapBytes: number | null;
  /** Cores' worth of time. */
  readonly cpus: number | null;
  /** Processes and threads at once. */
  readonly pids: number;
  /** Of the processor when others want it too; null: 1024, as everybody has. */
  readonly cpuShares: number | null;
  /** Cores that it may run on, `0-1,3`; null: all that there are for apps. */
  readonly cores: string | null;
  /** Of the disks when others want them too; null: 100, as everybody has. */
  readonly ioWeight: number | null;
};
