/** Who is measured beside us: each starts the same app from the same root file system and does what it can with it. */

/** A shell that ends on SIGTERM, also as the first process of its container. */
export const ARGS = ['/bin/sh', '-c', "trap 'exit 0' TERM; sleep 100000 & wait"] as const;

/** Each resolves when it is done: the app runs, stands still, is gone. */
export type Peer = AsyncDisposable & {
  readonly start: (id: string) => Promise<unknown>;
  readonly suspend: (id: string) => Promise<unknown>;
  readonly resume: (id: string) => Promise<unknown>;
  readonly hibernate: (id: string) => Promise<unknown>;
  readonly wake: (id: string) => Promise<unknown>;
  /** SIGTERM, its end, and nothing is left. */
  readonly terminate: (id: string) => Promise<unknown>;
  /** Of the app's first process. */
  readonly pid: (id: string) => Promise<number>;
  /** Resolves when a client is told of the app's end; to be called before. Absent where nobody tells. */
  readonly told?: (id: string) => Promise<unknown>;
  /** After an end of its own, or a failure in any state: nothing is left. Not measured. */
  readonly remove: (id: string) => Promise<unknown>;
  /** Processes that live as long as the apps and are none of theirs. Absent where they cannot be told from others. */
  readonly outside?: (ids: readonly string[]) => Promise<readonly number[]>;
};

export type Place = {
  /** Of this peer only, absolute, there. */
  readonly directory: string;
  /** A root file system with a shell. */
  readonly rootfs: string;
  /** Bus of a Dobby daemon. */
  readonly dobby: string | undefined;
};

export type Kind = {
  readonly name: string;
  /** For people, in the table's notes. */
  readonly what: string;
  /** Why it cannot be measured on this machine; `undefined` when it can. */
  readonly absent: (place: Place) => Promise<string | undefined>;
  readonly open: (place: Place) => Promise<Peer>;
};
