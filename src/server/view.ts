/** A viewer's WebSocket and an app's display (RFB), joined. */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { RuntimeError } from '../domain/errors.ts';
import { VIEW_CLOSED } from '../domain/wire.ts';
import type { Log } from '../ports/log.ts';
import type { Role } from './methods.ts';
import { ViewerInput } from './viewer-input.ts';

export type ViewHost = {
  /** The display; the signal says that the viewer has gone. */
  readonly open: (signal: AbortSignal) => Promise<Duplex>;
  readonly role: Role;
  readonly log: Log;
  /** For the log. */
  readonly viewer: { readonly who: string; readonly appInstanceId: string };
};

/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;
/** §5.5: a control frame has 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;
/** With so much under way to a viewer nothing more is read from the display. */
const MAX_BUFFERED_BYTES = 2 ** 20;

/** Never throws. The display's side is given back when the viewer goes, also one who goes before it is there. */
export async function serveView(socket: WebSocket, { open, role, log, viewer }: ViewHost): Promise<void> {
  const gone = new AbortController();
  // in RFB the display speaks first
  const onEarly = (): void => refuse(socket, 'the viewer did not wait for the display');
  socket.on('message', onEarly);
  socket.once('close', () => gone.abort());
  try {
    const display = await open(gone.signal);
    socket.off('message', onEarly);
    if (socket.readyState !== socket.OPEN) display.destroy();
    else {
      log.info({ ...viewer, role }, 'somebody looks at the display of an app');
      join(socket, display, new ViewerInput(role));
    }
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    log.debug({ ...viewer, err: error }, 'nobody can look at the display of an app');
    close(socket, isFinal(error) ? VIEW_CLOSED.never : VIEW_CLOSED.later, error.message);
  }
}

function join(socket: WebSocket, display: Duplex, input: ViewerInput): void {
  socket.on('message', (data) => {
    if (display.destroyed) return;
    try {
      if (!display.write(input.take(bytesOf(data)))) socket.pause();
    } catch (error) {
      display.destroy();
      refuse(socket, RuntimeError.of(error).message);
    }
  });
  socket.once('close', () => display.destroy());
  display.on('drain', () => socket.resume());
  display.on('data', (bytes: Buffer) => {
    socket.send(bytes, () => {
      if (display.isPaused() && socket.bufferedAmount < MAX_BUFFERED_BYTES) display.resume();
    });
    if (socket.bufferedAmount >= MAX_BUFFERED_BYTES) display.pause();
  });
  display.on('error', () => undefined);
  display.once('close', () => close(socket, VIEW_CLOSED.later, 'the view has ended'));
}

const bytesOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

/** What will be so as long as nobody changes it. */
const isFinal = ({ code }: RuntimeError): boolean => ['NOT_FOUND', 'NOT_SUPPORTED', 'INVALID_ARGUMENT'].includes(code);

const refuse = (socket: WebSocket, reason: string): void => close(socket, POLICY_VIOLATION, reason);

function close(socket: WebSocket, code: number, reason: string): void {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  socket.resume();
  socket.close(code, text);
}
