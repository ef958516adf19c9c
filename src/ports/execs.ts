/** Further programs in a container that runs, with its identity and its restrictions. */
import type { ContainerId } from '../domain/ids.ts';
import type { ProcessId, Standstill } from './processes.ts';
import type { Wait } from './wait.ts';

export type ExecOrder = {
  readonly args: readonly string[];
  /** Besides the app's own. */
  readonly env: Readonly<Record<string, string>>;
  /** The app's own when absent. */
  readonly cwd?: string | undefined;
};

export type Exec = {
  readonly process: ProcessId;
  readonly stdin: {
    /** Returns when it was taken. What a program that has ended does not take is dropped. */
    readonly write: (data: Uint8Array) => Promise<void>;
    readonly end: () => void;
  };
  /** Each to be read once, to its end; soon after the program's end nothing more is waited for, whoever holds it open. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** The exit code as a shell has it; null when nobody could see it. Never rejects. */
  readonly ended: Promise<number | null>;
  /** To the program and its process group. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Why the program does nothing, if something keeps it from it. */
  readonly standstill: () => Standstill | undefined;
  /** Waits for its end no longer, and lets go of all that was taken; `ended` is null then. */
  readonly giveUp: () => void;
};

export type Execs = {
  /** Throws COMMAND_NOT_FOUND, TOOL_FAILED with the runtime's own words, TIMED_OUT, ABORTED; nothing runs then. */
  readonly exec: (id: ContainerId, order: ExecOrder, wait: Wait) => Promise<Exec>;
  /** Ends those of a daemon that was killed. */
  readonly endExecs: (id: ContainerId) => Promise<void>;
};
