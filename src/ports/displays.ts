/** Wayland displays, one an app (the specification's WindowManagerConnector). */
import type { AppInstanceId } from '../domain/ids.ts';
import type { Wait } from './wait.ts';

export type DisplayOrder = {
  readonly appInstanceId: AppInstanceId;
  readonly uid: number;
  readonly gid: number;
  /** In pixels; null: as large as the provider thinks fit. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** RDK's words for what an app may do with its display; a provider that knows no such thing leaves them out. */
  readonly capabilities: readonly string[];
};

/** Known before the display is made: the container is planned with it. */
export type DisplayPlace = {
  /** `wst-<appInstanceId>`, or a name made of it where the id is too long or too strange for one. */
  readonly displayName: string;
  /** Wayland socket on the host. */
  readonly socket: string;
};

export type Displays = {
  /** Whether there are displays at all: without them an app that can do without one runs, any other is refused. */
  readonly offered: boolean;
  /** Looks at nothing. Throws DISPLAY_FAILED when there can be none. */
  readonly placeOf: (appInstanceId: AppInstanceId) => DisplayPlace;
  /** The socket is there and the app's own when it returns. Throws DISPLAY_FAILED (a taken name, too), TIMED_OUT, ABORTED. */
  readonly createDisplay: (order: DisplayOrder, wait: Wait) => Promise<DisplayPlace>;
  /** Repeatable; one that is not there, or half made, or made by an earlier daemon, is fine. */
  readonly destroyDisplay: (appInstanceId: AppInstanceId, wait: Wait) => Promise<void>;
};
