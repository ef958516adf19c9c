/** What an instance may use of the machine; null: no limit of its own. */
export type Limits = {
  readonly memoryBytes: number | null;
  /** Swap beyond that; null where memory has no limit. A kernel that does not count swap cannot hold to it. */
  readonly swapBytes: number | null;
  /** Cores' worth of time. */
  readonly cpus: number | null;
  /** Processes and threads at once. */
  readonly pids: number;
};

/** With those that an instance has from its start to its end. */
export type StartLimits = Limits & {
  /** Of the processor when others want it too: 1024 is what everybody has. */
  readonly cpuShares: number | null;
  /** Cores that it may run on, `0-1,3`. */
  readonly cores: string | null;
  /** Of the disks when others want them too: 100 is what everybody has. */
  readonly ioWeight: number | null;
};
