/** Any WebSocket (a browser's, Node's, ws) as the few things the client needs of it. */

export type Socket = {
  readonly send: (text: string) => void;
  /** Nothing more is read until `resume`, where that is possible (a browser's socket cannot). */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => void;
};

export type SocketListener = {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Once, at the end, whether it was ever open or not. */
  readonly onClosed: (cause: unknown) => void;
};

/** Begins a connection. */
export type OpenSocket = (listener: SocketListener) => Socket;

/** What the WebSocket standard gives (html.spec.whatwg.org, "WebSockets"), as methods: their parameters may be narrower. */
type StandardSocket = {
  binaryType: string;
  send(text: string): void;
  close(): void;
  pause?(): void;
  resume?(): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly error?: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
};

export function overWebSocket(create: () => StandardSocket): OpenSocket {
  return ({ onOpen, onText, onBytes, onClosed }) => {
    let socket: StandardSocket;
    try {
      socket = create();
    } catch (error) {
      // what a browser does not allow at all, for instance ws: from a page that came by https:
      queueMicrotask(() => onClosed(error));
      const nothing = () => undefined;
      return { send: nothing, pause: nothing, resume: nothing, close: nothing };
    }
    // ws gives Buffers without being asked, which are no copies
    if (socket.binaryType === 'blob') socket.binaryType = 'arraybuffer';
    let cause: unknown;
    socket.addEventListener('open', onOpen);
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') onText(data);
      else if (data instanceof Uint8Array) onBytes(data);
      else if (data instanceof ArrayBuffer) onBytes(new Uint8Array(data));
    });
    // a browser tells no reason here, ws does; 'close' follows
    socket.addEventListener('error', ({ error }) => (cause ??= error));
    socket.addEventListener('close', ({ code, reason }) => {
      onClosed(cause ?? `the connection was closed with code ${code}${reason === '' ? '' : ` (${reason})`}`);
    });
    return {
      send: (text) => socket.send(text),
      pause: () => socket.pause?.(),
      resume: () => socket.resume?.(),
      close: () => socket.close(),
    };
  };
}
