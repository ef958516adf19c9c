/** Hibernation as callers see it: what is on disk, what it cost, and why an app cannot be hibernated. */
import type { AppId, AppInstanceId } from './ids.ts';

/** One reason, or one remark, about hibernating an app. */
export type Finding = {
  /** Stable name, for programs: `IO_URING`, `UNIX_SOCKET_TO_HOST`, `NO_SPACE`… */
  readonly code: string;
  /** Whether it stops a checkpoint; a remark otherwise. */
  readonly blocks: boolean;
  readonly what: string;
  readonly why: string;
  /** What to do about it. */
  readonly next: string;
  /** The process it is about, if one: pid on the host and inside the container, and its name. */
  readonly process?: { readonly pid: number; readonly innerPid: number | null; readonly name: string };
  /** File descriptor of that process, with what it is (`socket:[123]`, a path). */
  readonly descriptor?: { readonly fd: number; readonly target: string };
  /** The line of CRIU's log that says so. */
  readonly evidence?: string;
};

/** Whether an engine was seen to hibernate an app and to wake it, with these tools and in this boot. `null`: no trial has come to an end yet. */
export type Proof =
  { readonly possible: true } | { readonly possible: false | null; readonly why: string; readonly next: string };

export type Explanation = {
  /** `no` when a finding blocks; `yes` only promises that nothing known stands in the way. */
  readonly possible: 'yes' | 'no';
  readonly findings: readonly Finding[];
  /** Path of CRIU's own log of the last attempt that failed, if any. */
  readonly log: string | null;
};

/** How long the parts of a dump or a restore took, in ms, in order. */
export type Phases = Readonly<Record<string, number>>;

/** The image of a hibernated app. */
export type ImageInfo = {
  readonly sizeBytes: number;
  /** Size before compression. */
  readonly rawBytes: number;
  readonly compressed: boolean;
  /** Whether it survives a power cut: everything was flushed to the disk. */
  readonly durable: boolean;
  readonly hibernatedAt: string;
  /** What a look after a restart of the daemon found wrong with it; absent when that was nothing. */
  readonly damage?: string;
};

/** An image as `listImages` tells. */
export type ImageEntry = ImageInfo & {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  /** Its directory; null when it is not there. */
  readonly path: string | null;
  /** Why it could not be woken; null when nothing is known against it: a wake looks closer. */
  readonly unusable: string | null;
};

/** What the last dump cost: ms in all and by phase, and the memory it gave back. */
export type DumpFigures = { readonly ms: number; readonly phases: Phases; readonly freedBytes: number };

/** What the last wake cost, when it was, and how long the app had slept. */
export type WakeFigures = {
  readonly ms: number;
  readonly phases: Phases;
  readonly wokenAt: string;
  readonly sleptMs: number;
};
