/** What both ends of the wire must agree on besides the methods. Nothing here needs zod: the client and the CLI load it. */

export const CALLSIGN = 'org.rdk.RuntimeManager';
/** Thunder's own plugin, of which we play what its clients ask for. */
export const CONTROLLER = 'Controller';
export const API_VERSION = 1;

/** Whose error codes and forms Thunder's clients expect. */
export const PROFILE_NAMES = ['r4', 'r5'] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** What `wake` makes of `runtimeState`: the app runs afterwards, whatever it says, or is what it says. */
export const WAKE_TARGETS = ['running', 'asAsked'] as const;
export type WakeTarget = (typeof WAKE_TARGETS)[number];

/**
 * Both generations: LifecycleManager asks for RUNTIME_STATE_SUSPENDED and never calls `resume`, and upstream's plugin does not look
 * at it. Source: entservices-appmanagers, LifecycleManager/State.cpp, SuspendedState::handle and PausedState::handle (`resume` is
 * commented out); RuntimeManager/RuntimeManagerImplementation.cpp, Wake.
 */
export const DEFAULT_WAKE_TARGETS: Readonly<Record<ProfileName, WakeTarget>> = { r4: 'running', r5: 'running' };

/** Path of the HTTP and WebSocket endpoint; Thunder's C++ client adds a slash. */
export const JSON_RPC_PATH = '/jsonrpc';

/** Below it, by appInstanceId: by GET the page that shows an app's display live, as a WebSocket its picture and input (RFB). */
const VIEW_PATH = '/view/';
export const viewPath = (appInstanceId: string): string => `${VIEW_PATH}${encodeURIComponent(appInstanceId)}`;

/** Undefined for any other path. Throws URIError. */
export const viewedAt = (path: string): string | undefined =>
  path.startsWith(VIEW_PATH) ? decodeURIComponent(path.slice(VIEW_PATH.length)) : undefined;

/** Where an app's display can be looked at live. */
export type ViewAddress = {
  readonly path: string;
  /** Of the page; null: the daemon does not listen by TCP. */
  readonly url: string | null;
};

/** Sub-protocols of a view, both to be offered: the daemon chooses the one that the viewer's role allows. */
export const VIEW_PROTOCOLS = { control: 'rfb.control', observe: 'rfb.observe' } as const;

/** Close codes of a view, with the reason as text: whether it is worth while to come again. */
export const VIEW_CLOSED = { later: 4001, never: 4002 } as const;

/** A longer message is refused, on WebSocket by closing (1009), on HTTP with status 413. */
export const MAX_MESSAGE_BYTES = 4 * 2 ** 20;

/** sun_path of unix(7) holds 108 bytes, the last one a NUL. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Upstream's events, and `onEvent`: every durable event whole, with its number. */
export type EventName = 'onStarted' | 'onTerminated' | 'onFailure' | 'onStateChanged' | 'onEvent';
