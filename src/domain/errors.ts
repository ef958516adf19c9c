/** The closed set of errors. A row says how each one looks to Thunder's clients, to the shell and in the documentation. */
import { lackBelow, meaningOf } from './errno.ts';

type Row = {
  /** Thunder's core code (facts/thunder.md §1.6); negative: a JSON-RPC code of its own. */
  readonly thunder: number;
  /** Exit status of `runtimectl`. */
  readonly exitCode: number;
  readonly doc: string;
};

export const ERRORS = {
  INTERNAL: {
    thunder: 1,
    exitCode: 1,
    doc: 'A fault of Runtime Manager itself. The log has the whole story; please report it.',
  },
  INVALID_ARGUMENT: {
    thunder: -32602,
    exitCode: 2,
    doc: 'A parameter is missing, has the wrong form, or names a member that does not exist.',
  },
  UNKNOWN_METHOD: {
    thunder: -32601,
    exitCode: 2,
    doc: 'The daemon has no such method; daemon and client may be of different versions.',
  },
  NOT_FOUND: { thunder: 1, exitCode: 3, doc: 'No app instance has this id, now or in the kept history.' },
  ILLEGAL_STATE: {
    thunder: 5,
    exitCode: 4,
    doc: 'The operation is not allowed in the state the instance is in; the error lists what is.',
  },
  ALREADY_EXISTS: { thunder: 29, exitCode: 5, doc: 'An instance with this id is alive. It was not touched.' },
  NOT_SUPPORTED: { thunder: 44, exitCode: 6, doc: 'This machine, engine or version cannot do that.' },
  BUNDLE_INVALID: {
    thunder: 23,
    exitCode: 7,
    doc: 'The bundle, its config.json or the root file system is missing or broken.',
  },
  COMMAND_NOT_FOUND: {
    thunder: 43,
    exitCode: 8,
    doc: "The command to run does not exist in the app's root file system or cannot be executed by its user.",
  },
  START_FAILED: {
    thunder: 6,
    exitCode: 9,
    doc: 'The OCI runtime could not create or start the container. Everything was given back.',
  },
  ENGINE_UNAVAILABLE: {
    thunder: 2,
    exitCode: 10,
    doc: 'No OCI runtime here can start a container, or a tool is missing.',
  },
  SUSPEND_FAILED: { thunder: 1, exitCode: 11, doc: 'The kernel did not freeze the app in time. It runs on.' },
  RESUME_FAILED: { thunder: 1, exitCode: 11, doc: 'The kernel did not thaw the app in time.' },
  KILL_FAILED: {
    thunder: 19,
    exitCode: 12,
    doc: 'The app is still there after SIGKILL: a process hangs in the kernel.',
  },
  CHECKPOINT_FAILED: { thunder: 1, exitCode: 13, doc: 'The app could not be hibernated. It is as it was before.' },
  RESTORE_FAILED: { thunder: 1, exitCode: 14, doc: 'The app could not be woken. Its image is kept.' },
  IMAGE_UNUSABLE: {
    thunder: 39,
    exitCode: 15,
    doc: 'The hibernation image is missing, damaged, foreign, or no longer fits this machine. It is kept.',
  },
  USER_IDS_EXHAUSTED: {
    thunder: 2,
    exitCode: 16,
    doc: 'Every user id of the range is taken or still in its grace period.',
  },
  NO_SPACE: { thunder: 40, exitCode: 17, doc: 'The disk (or a budget on it) is full.' },
  OUT_OF_RESOURCES: {
    thunder: 2,
    exitCode: 36,
    doc: 'The daemon or the machine has no file descriptor, process, memory or kernel object left; the error names which.',
  },
  DISK_UNUSABLE: {
    thunder: 40,
    exitCode: 37,
    doc: 'The kernel does not let the daemon read or write a file of its own: a read-only or failing disk, or missing rights.',
  },
  PORT_TAKEN: {
    thunder: 13,
    exitCode: 28,
    doc: 'A port of this machine that the app wants published belongs to another app or process; the error names it.',
  },
  NETWORK_FAILED: {
    thunder: 26,
    exitCode: 29,
    doc: "The app's network could not be made: no subnet or address is free, or the kernel refused.",
  },
  TIMED_OUT: { thunder: -32_000, exitCode: 18, doc: 'Something did not answer within its time limit.' },
  ABORTED: {
    thunder: 58,
    exitCode: 19,
    doc: 'The operation was overtaken: by a kill, by the end of the app, or by the end of the daemon.',
  },
  BUSY: {
    thunder: 12,
    exitCode: 20,
    doc: 'Too many operations wait for this instance already, or the kernel says that what is needed is still in use.',
  },
  ALREADY_RUNNING: { thunder: 9, exitCode: 21, doc: 'Another daemon uses this root directory.' },
  UNREACHABLE: { thunder: 26, exitCode: 22, doc: 'The daemon does not answer at this address.' },
  PERMISSION_DENIED: { thunder: -32604, exitCode: 23, doc: 'The caller may not do that.' },
  CORRUPT_FILE: { thunder: 39, exitCode: 24, doc: 'A file of ours does not have the form it must have.' },
  TOOL_FAILED: { thunder: 1, exitCode: 25, doc: 'A host tool failed or could not be run.' },
  DISPLAY_FAILED: {
    thunder: 1,
    exitCode: 26,
    doc: 'The display that the app wants could not be made (`ERROR_CREATE_DISPLAY` in `onFailure`).',
  },
  NEIGHBOUR_FAILED: {
    thunder: 2,
    exitCode: 27,
    doc: 'Another service of the device (a plugin of Thunder) is not there, refused, or answered nonsense.',
  },
  MOUNT_FAILED: {
    thunder: 60,
    exitCode: 32,
    doc: 'A mount could not be made in the app, or not be taken away. All is as before.',
  },
  LIMIT_FAILED: {
    thunder: 45,
    exitCode: 31,
    doc: 'A limit could not be put in force: the app was not started, or the old ones hold.',
  },
  CONFLICT: {
    thunder: 5,
    exitCode: 30,
    doc: 'Somebody else has changed it since the caller looked. Nothing was changed.',
  },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (text: unknown): text is ErrorCode =>
  typeof text === 'string' && Object.hasOwn(ERRORS, text);

export type ErrorDetails = Readonly<Record<string, unknown>>;

type ErrorStory = {
  /** What happened, for a person; lower-case, no full stop. The reason is the cause. */
  readonly what: string;
  /** What the person should do now. */
  readonly next?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
};

/** An error as it crosses the wire; {@link RuntimeError.from} remakes it on the other side. */
export type ErrorData = {
  readonly code: ErrorCode;
  readonly what: string;
  readonly why?: string;
  readonly next?: string;
  readonly details?: ErrorDetails;
};

export class RuntimeError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly next: string | undefined;
  readonly details: ErrorDetails | undefined;

  /** A code that only says what did not work gives way to one that says why: a full disk, no descriptor left ({@link lackBelow}). */
  constructor(code: ErrorCode, { what, next, details, cause }: ErrorStory) {
    const why = whyOf(cause);
    super(why === undefined ? what : `${what}: ${why}`, cause === undefined ? undefined : { cause });
    const lack = lackBelow(code, cause);
    this.name = 'RuntimeError';
    this.code = lack?.code ?? code;
    this.what = what;
    this.next = lack?.next ?? next;
    this.details = details;
  }

  /** Plain data for the wire: the chain of causes becomes one line. */
  toJSON(): ErrorData {
    const why = whyOf(this.cause);
    return {
      code: this.code,
      what: this.what,
      ...(why !== undefined && { why }),
      ...(this.next !== undefined && { next: this.next }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }

  /** An error of this class from what crossed the wire. */
  static from({ code, what, why, next, details }: ErrorData): RuntimeError {
    return new RuntimeError(code, { what, next, details, cause: why });
  }

  /** Anything thrown, as an error of this class: by its errno, if it has one; what is not known is a fault of ours. */
  static of(thrown: unknown): RuntimeError {
    if (thrown instanceof RuntimeError) return thrown;
    const { code, what, next } = meaningOf(thrown) ?? UNKNOWN;
    return new RuntimeError(code, { what, next, cause: thrown });
  }
}

const UNKNOWN = { code: 'INTERNAL', what: 'unexpected fault in Runtime Manager', next: undefined } as const;

function whyOf(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : JSON.stringify(cause);
  // a RuntimeError's message holds its own causes already
  if (cause instanceof RuntimeError || cause.cause === undefined) return cause.message;
  return `${cause.message}: ${whyOf(cause.cause) ?? ''}`;
}

/** True for an error of the operating system with one of these names, for instance `ENOENT` (errno(3)). */
export const isErrno = (error: unknown, ...names: readonly string[]): error is Error & { readonly code: string } =>
  error instanceof Error && 'code' in error && names.includes(String(error.code));
