/**
 * Thunder's C++ client sends frames without a mask (facts/thunder.md §1.2), which RFC 6455 §5.1 tells servers to refuse. The
 * mask protects proxies from pages in browsers; browsers mask always. `ws` has no setting for it, so this reaches into its
 * receiver; the self-test tells when a version of ws has changed there (decision 0032).
 */
import type { EventEmitter } from 'node:events';
import * as ws from 'ws';
import type { WebSocket } from 'ws';

/** What ws compares the frame's mask bit with. Equal by definition: either is accepted. */
function acceptEither(receiver: object): void {
  Object.defineProperty(receiver, '_isServer', {
    get(this: { readonly _masked: boolean }) {
      return this._masked;
    },
  });
}

/** A socket whose receiver is elsewhere stays as strict as ws makes it. */
export function acceptUnmasked(socket: WebSocket): void {
  const { _receiver: receiver } = socket as unknown as { readonly _receiver?: unknown };
  if (typeof receiver === 'object' && receiver !== null && '_isServer' in receiver) acceptEither(receiver);
}

/** Text frames "a", one as the C++ client sends it, one masked with zeros as RFC 6455 wants it. */
const UNMASKED = Buffer.from([0x81, 1, 0x61]);
const MASKED = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]);

type FrameReader = EventEmitter & { readonly write: (bytes: Uint8Array) => void };
/** Exported by ws, but not named in its types. */
const { Receiver } = ws as unknown as { readonly Receiver?: new (options: { isServer: true }) => FrameReader };

/** True when this version of ws takes both kinds. */
export function unmaskedWorks(): boolean {
  const heard: string[] = [];
  try {
    if (Receiver === undefined) return false;
    const receiver = new Receiver({ isServer: true });
    if (!('_isServer' in receiver)) return false;
    acceptEither(receiver);
    receiver.on('message', (data: unknown) => heard.push(String(data)));
    receiver.on('error', () => undefined);
    receiver.write(UNMASKED);
    receiver.write(MASKED);
  } catch {
    return false;
  }
  // ws may give the second one in a later turn
  return heard[0] === 'a';
}
