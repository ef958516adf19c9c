/** What is wrong on a device, or soon will be, as programs and people are told: what, why, and what mends it. */
import type { AppId, AppInstanceId } from './ids.ts';

/** `warn`: it works, and something is to be looked at. */
export type Grade = 'ok' | 'warn' | 'fail';

export type Problem = {
  /** Stable name, for programs: a code of an error, a cause of an exit, or `CRASH_LOOP`, `DISPLAY_DIED`… */
  readonly code: string;
  readonly state: 'warn' | 'fail';
  readonly what: string;
  readonly why: string;
  /** What mends it, with the command where there is one. */
  readonly next: string;
  /** Null for what concerns the whole device. */
  readonly appId: AppId | null;
  readonly appInstanceId: AppInstanceId | null;
  /** When it came (ISO 8601, UTC); null where nobody saw it come. */
  readonly since: string | null;
};

/** One that concerns no single app. */
export type DeviceProblem = Omit<Problem, 'appId' | 'appInstanceId'>;

/** What the machine itself is found to have now. */
export type MachineFault = Omit<DeviceProblem, 'since'>;

/** What there is for all apps together. */
export type Resources = {
  readonly images: {
    readonly count: number;
    readonly sizeBytes: number;
    /** Of the configuration: all of them together stay below it. */
    readonly budgetBytes: number;
    /** On their disk. */
    readonly freeBytes: number;
  };
  readonly userIds: {
    readonly total: number;
    /** By apps that have an instance, or once had one and may come back. */
    readonly taken: number;
    /** Of the taken ones those that an app has now. */
    readonly inUse: number;
  };
};

/** What an examination has found out about one thing. */
export type Finding = {
  /** What was looked at: `tool criu`, `hibernation`, `disk`… */
  readonly check: string;
  readonly state: Grade;
  readonly what: string;
  /** Null where all is well. */
  readonly why: string | null;
  /** What mends it, with the command where there is one. */
  readonly next: string | null;
};

export type Health = { readonly problems: readonly Problem[]; readonly resources: Resources };
