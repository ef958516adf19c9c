/** A process that is meant, not whoever has its number now. */
export type ProcessId = {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)): a reused pid has another one. */
  readonly startTime: string;
};

export type Standstill = 'stopped' | 'traced' | 'ended';

export type Processes = {
  /** Who has this pid now; undefined when nobody (or only a zombie). */
  readonly identify: (pid: number) => ProcessId | undefined;
  readonly isAlive: (process: ProcessId) => boolean;
  /** Whether it has begun to end, or has ended: what it shares with others may be gone already. */
  readonly isEnding: (process: ProcessId) => boolean;
  /** False when it is gone already. Throws on anything else than ESRCH. A number for those that Node has no name for. */
  readonly signal: (process: ProcessId, signal: NodeJS.Signals | number) => boolean;
  /** The same to its process group, where it leads one. */
  readonly signalGroup: (leader: ProcessId, signal: NodeJS.Signals) => boolean;
  /** Every process of this name that has a file or directory below this one open. */
  readonly holding: (name: string, directory: string) => Promise<readonly ProcessId[]>;
  /** Pid of who traces it (ptrace(2)); 0 when nobody does or it is gone. */
  readonly tracerOf: (process: ProcessId) => number;
  /** Why it does nothing: SIGSTOP, a tracer that has stopped it, or one that keeps its end from its parent. Undefined when it may run. */
  readonly standstill: (process: ProcessId) => Standstill | undefined;
  /** 0 when it is gone. */
  readonly parentOf: (pid: number) => number;
  /** Whether any of them is between vfork(2) and its child's exec. It cannot be stopped there, nor attached to, until the child goes on. */
  readonly areInVfork: (pids: readonly number[]) => boolean;
  /** Threads that want a processor, and the time that each has had of one so far (proc(5), schedstat). */
  readonly runnable: (pids: readonly number[]) => ReadonlyMap<string, string>;
  /** Every process whose argument list holds all of these exact arguments. */
  readonly withArguments: (wanted: readonly string[]) => Promise<readonly ProcessId[]>;
};
