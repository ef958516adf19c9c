/** An app's display in an element of a page: its picture, and what is typed and pointed at where the token allows it. */
import RFB from '@novnc/novnc';
import { VIEW_CLOSED, VIEW_PROTOCOLS, viewPath } from '../../domain/wire.ts';

export type LiveViewOptions = {
  readonly appInstanceId: string;
  /** Absent where the daemon asks for none. */
  readonly token?: string | undefined;
  readonly onChange: (state: LiveViewState) => void;
};

/**
 * `live`: it can be seen, and used if `canControl`. `away`: not now (the app sleeps, the daemon is gone); it comes back by itself.
 * `over`: it will not come; a person has to do something. `refused`: nobody was let in, most often because of the token.
 */
export type LiveViewState =
  | { readonly is: 'opening' }
  | { readonly is: 'live'; readonly canControl: boolean }
  | { readonly is: 'away' | 'over' | 'refused'; readonly why: string };

const RETRY_MS = 1000;

/** Begins at once; `close` ends it and empties the element. */
export function liveView(target: HTMLElement, options: LiveViewOptions): { readonly close: () => void } {
  let current: { readonly rfb: RFB; readonly socket: WebSocket } | undefined;
  let timer: number | undefined;
  let wasLive = false;

  function open(): void {
    const socket = new WebSocket(addressOf(options), Object.values(VIEW_PROTOCOLS));
    const rfb = new RFB(target, socket);
    current = { rfb, socket };
    rfb.scaleViewport = true;
    let opened = false;
    socket.addEventListener('open', () => {
      opened = true;
      rfb.viewOnly = socket.protocol !== VIEW_PROTOCOLS.control;
    });
    rfb.addEventListener('connect', () => {
      wasLive = true;
      options.onChange({ is: 'live', canControl: !rfb.viewOnly });
      rfb.focus();
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (current?.socket !== socket) return;
      current = undefined;
      const state = ended({ opened, wasLive, code, reason });
      options.onChange(state);
      if (state.is === 'away') timer = window.setTimeout(open, RETRY_MS);
    });
  }

  options.onChange({ is: 'opening' });
  open();
  return {
    close: () => {
      window.clearTimeout(timer);
      const closing = current;
      current = undefined;
      closing?.rfb.disconnect();
    },
  };
}

function addressOf({ appInstanceId, token }: LiveViewOptions): URL {
  const url = new URL(viewPath(appInstanceId), location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  if (token !== undefined) url.searchParams.set('token', token);
  return url;
}

type End = {
  readonly opened: boolean;
  /** It was let in once: then it is the daemon that is away. */
  readonly wasLive: boolean;
  readonly code: number;
  readonly reason: string;
};

/** A browser does not tell its pages why a WebSocket did not open. */
function ended({ opened, wasLive, code, reason }: End): LiveViewState {
  if (!opened && !wasLive) return { is: 'refused', why: 'the daemon does not let this page in' };
  if (!opened) return { is: 'away', why: 'the daemon does not answer' };
  return { is: code === VIEW_CLOSED.never ? 'over' : 'away', why: reason === '' ? 'the connection was lost' : reason };
}
