/** Wayland displays, one an app (the specification's WindowManagerConnector). */
import type { Duplex } from 'node:stream';
import type { AppInstanceId } from '../domain/ids.ts';
import type { InsideDisplay } from '../domain/rootfs.ts';
import type { Wait } from './wait.ts';

/** In pixels. */
export type DisplaySize = { readonly width: number; readonly height: number };

/** Where the compositor of an app runs. Only one in the app's container can be hibernated with it. */
export type Placement = 'host' | 'container';

export type DisplayOwner = {
  readonly appInstanceId: AppInstanceId;
  readonly uid: number;
  readonly gid: number;
  readonly placement: Placement;
  /** That it was given; null: as large as the provider thinks fit. */
  readonly size: DisplaySize | null;
};

export type DisplayOrder = DisplayOwner & {
  /** RDK's words for what an app may do with its display; a provider that knows no such thing leaves them out. */
  readonly capabilities: readonly string[];
};

/** Known before the display is made: the container is planned with it. */
export type DisplayPlace = {
  /** `wst-<appInstanceId>`, or a name made of it where the id is too long or too strange for one. */
  readonly displayName: string;
  /** Wayland socket on the host. */
  readonly socket: string;
  /** What a container needs that brings up its own compositor; null: it gets the socket. */
  readonly inside: InsideDisplay | null;
};

/**
 * `connected`: a program is connected to it, for the first time. `ready`: the first picture of the app's first window. `gone`: its
 * last window has gone. `died`: nobody answers any more.
 */
export type DisplayEvent = 'connected' | 'ready' | 'gone' | 'died';

export type DisplayListener = (appInstanceId: AppInstanceId, event: DisplayEvent) => void;

export type Displays = {
  /** Whether there are displays at all: without them an app that can do without one runs, any other is refused. */
  readonly offered: boolean;
  /** Looks at nothing. Throws DISPLAY_FAILED when there can be none. */
  readonly placeOf: (appInstanceId: AppInstanceId, placement: Placement) => DisplayPlace;
  /**
   * The socket is there and the app's own when it returns, so a container can be made with it; in a container it comes up with the
   * app. Throws DISPLAY_FAILED (a taken name, too), TIMED_OUT, ABORTED.
   */
  readonly createDisplay: (order: DisplayOrder, wait: Wait) => Promise<DisplayPlace>;
  /** Repeatable; one that is not there, or half made, or made by an earlier daemon, is fine. */
  readonly destroyDisplay: (appInstanceId: AppInstanceId, wait: Wait) => Promise<void>;
  /** Null where the display is somebody else's. */
  readonly controls: DisplayControls | null;
};

/** Those that can be seen, the hindmost first; the last `above` of them are in front of the one that has the focus. */
export type Arrangement = { readonly stack: readonly AppInstanceId[]; readonly above: number };

/** One screen on which the displays on the host are seen. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export type Screen = { readonly arrange: (arrangement: Arrangement, wait: Wait) => Promise<void> };

/** What else can be done with a display that is ours. All throw DISPLAY_FAILED for one that does not answer, TIMED_OUT, ABORTED. */
export type DisplayControls = {
  /** Whether a display can be in a container. */
  readonly canBeInside: boolean;
  /** Null: each is seen by its pictures only. */
  readonly screen: Screen | null;
  /** Whether somebody answers at a display that was made; in a container nobody can yet. */
  readonly answers: (appInstanceId: AppInstanceId) => Promise<void>;
  /** Whether somebody can look at a display live. */
  readonly canBeViewed: boolean;
  /** Takes up a display that an earlier daemon made, or that comes up in a container. False when it is not there any more. */
  readonly adopt: (owner: DisplayOwner, wait: Wait) => Promise<boolean>;
  /** Before a dump: nobody outside the container is connected to the display any more. */
  readonly letGo: (appInstanceId: AppInstanceId) => void;
  /** A hidden display draws nothing and gets no input. */
  readonly setVisible: (appInstanceId: AppInstanceId, visible: boolean, wait: Wait) => Promise<void>;
  readonly resize: (appInstanceId: AppInstanceId, size: DisplaySize, wait: Wait) => Promise<void>;
  /** What is on it now, as PNG; of another size than it was given it fails. Some in a second are taken, the others wait. */
  readonly screenshot: (appInstanceId: AppInstanceId, wait: Wait) => Promise<Buffer>;
  /**
   * A viewer's connection to the picture and the input of a display, as RFB (RFC 6143). It ends with the view, and with the last one
   * ends what serves it. Throws NOT_SUPPORTED, BUSY too.
   */
  readonly openView: (appInstanceId: AppInstanceId, wait: Wait) => Promise<Duplex>;
  /** Nobody looks at the display any more when it returns. */
  readonly endView: (appInstanceId: AppInstanceId) => Promise<void>;
  /** Takes away every display of this daemon but those of these instances. The names of what was there. */
  readonly sweep: (owned: readonly AppInstanceId[], wait: Wait) => Promise<readonly string[]>;
  readonly watch: (listener: DisplayListener) => Disposable;
};
