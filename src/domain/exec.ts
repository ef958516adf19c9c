/** Programs that callers run in an app that runs. */

export type ExecResult = {
  /** 0–255, or 128 + signal; null when nobody could see it. */
  readonly exitCode: number | null;
  /** Signal number (signal(7)), read from a code above 128 as shells do; null otherwise. */
  readonly signal: number | null;
  /** Read as UTF-8; empty when it went over a stream. */
  readonly stdout: string;
  readonly stderr: string;
  /** Output beyond what an answer holds was left out. */
  readonly truncated: boolean;
};

/** What a caller may send to a program that he runs. */
export const EXEC_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2'] as const;
export type ExecSignal = (typeof EXEC_SIGNALS)[number];

/** Params of the notification `<stream>.onExecOutput`; `data` is base64. */
export type ExecOutput = { readonly stream: 'stdout' | 'stderr'; readonly data: string };
export const EXEC_OUTPUT = 'onExecOutput';

/** A connection that hears more than answers. Its identity is what a stream belongs to. Both return when it was taken, and never throw. */
export type Channel = {
  readonly notify: (method: string, params: object) => Promise<void>;
  /** As one binary message. */
  readonly sendBytes: (message: Uint8Array) => Promise<void>;
};
