/** What Runtime Manager tells its callers. Every event is written with its number before anyone hears of it. */
import type { ErrorData } from './errors.ts';
import type { ExitRecord } from './exit.ts';
import type { AppId, AppInstanceId } from './ids.ts';
import type { Limits } from './limits.ts';
import type { State } from './states.ts';

type Subject = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  /** Who asked for it: `the unix socket`, or the address of the caller; absent when nobody did. */
  readonly by?: string;
};

type EventBody =
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'stateChanged'; readonly old: State; readonly new: State; readonly why: string }
  /** Exactly one for each run of an instance. */
  | { readonly type: 'terminated'; readonly exit: ExitRecord }
  /** The limited storage of the app is full (99 %): its writes fail with ENOSPC. Again only after there was room. */
  | { readonly type: 'storageFull'; readonly usedBytes: number; readonly limitBytes: number }
  /** An operation came to nothing. `ended`: that ended the app, or kept it from starting. */
  | { readonly type: 'failure'; readonly operation: string; readonly error: ErrorData; readonly ended: boolean }
  /** A program of the app is connected to its display, the first one. It has drawn nothing yet. */
  | { readonly type: 'displayConnected' }
  /** The app shows its first picture; `ms` after it was asked for, the launch time that a person feels; null: not the first of this run. */
  | { readonly type: 'displayReady'; readonly ms: number | null }
  /** Its last window has gone. The display is still there for another. */
  | { readonly type: 'displayGone' }
  /** The compositor has ended. The app follows: its end has the cause `display-died`. */
  | { readonly type: 'displayDied' }
  /** A caller wants it otherwise than before; `width` and `height` null: as large as it was made. */
  | {
      readonly type: 'displayChanged';
      readonly visible: boolean;
      readonly zOrder: number;
      readonly width: number | null;
      readonly height: number | null;
    }
  /** It has the focus from now on, and nobody else. */
  | { readonly type: 'displayFocused' }
  | { readonly type: 'limitsChanged'; readonly limits: Limits }
  /** A program that `exec` has run in it. Its arguments are not told: they may hold secrets. `exitCode` null: nobody saw it end. */
  | { readonly type: 'executed'; readonly program: string; readonly exitCode: number | null }
  /** Another run of it follows at `dueAt` (ISO 8601); `maxRetries` null: whatever comes of it. */
  | {
      readonly type: 'restarting';
      readonly attempt: number;
      readonly maxRetries: number | null;
      readonly dueAt: string;
    }
  /** No other run follows, although its policy calls for one; `attempts`: those that were made. */
  | { readonly type: 'restartGivenUp'; readonly attempts: number; readonly why: string }
  | { readonly type: 'mounted'; readonly source: string; readonly destination: string; readonly readOnly: boolean }
  | { readonly type: 'unmounted'; readonly destination: string }
  /** `value` is null when it was removed. */
  | { readonly type: 'annotated'; readonly key: string; readonly value: string | null; readonly revision: number };

export type NewEvent = Subject & EventBody;
export type EventType = NewEvent['type'];

/** Stands for the message in which a caller asked for what an event tells. Compared by identity; never written. */
export type Origin = object;

/** `seq` counts from 1, one by one; `time` is ISO 8601, UTC. */
export type AppEvent = { readonly seq: number; readonly time: string } & NewEvent;

/**
 * A page of the event log. `firstSeq` above `since + 1` means that older ones were dropped: a gap. So does a number that is missing
 * between two events of all instances: those were dropped of an instance that had very many.
 */
export type EventPage = {
  readonly events: readonly AppEvent[];
  /** The oldest event still kept (of the instance, where one was asked for); `lastSeq + 1` when there is none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
};

/** These events, both ends included, are no longer kept. */
export type EventGap = { readonly type: 'gap'; readonly from: number; readonly to: number };

/** The events of a page after `since`, with the gaps before and between them. `isWhole`: the page is of all instances. */
export function* withGaps(
  { events, firstSeq }: EventPage,
  since: number,
  isWhole: boolean,
): Generator<AppEvent | EventGap, void, undefined> {
  let at = since;
  for (const event of events) {
    const expected = isWhole ? event.seq : Math.min(event.seq, firstSeq);
    if (expected > at + 1) yield { type: 'gap', from: at + 1, to: expected - 1 };
    yield event;
    at = event.seq;
  }
  if (firstSeq > at + 1) yield { type: 'gap', from: at + 1, to: firstSeq - 1 };
}
