/**
 * How many windows a compositor has, on a connection of its own. A compositor that tells so much that the daemon would do little else
 * is let go of for a while, and looked at again: only what is so then counts. Its words may be an app's, so all of it is bounded.
 */
import type { Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import { tokenBucket } from '../../domain/token-bucket.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Wait } from '../../ports/wait.ts';
import { SwayIpc } from './ipc.ts';

/** Of events, each of which costs some 50 µs; an app that counts seconds in its title makes one a second. */
const EVENTS = { perSecond: 50, burst: 200 };
/** What is read counts as events, too. */
const BYTES_AN_EVENT = 16_384;
const PAUSE_MS = 1000;
const ANSWER_MS = 3000;
const MAX_WINDOWS = 1024;

type Options = {
  readonly connect: () => Promise<Socket>;
  readonly clock: Clock;
  /** Called with each other number of windows. */
  readonly changed: (count: number) => void;
};

export class WindowWatch {
  readonly #options: Options;
  readonly #end = new AbortController();
  readonly #allowance = tokenBucket({ ...EVENTS, now: () => performance.now() });
  #windows = new Set<number>();
  #told = 0;
  #readBytes = 0;
  #isPausing = false;
  #ipc: SwayIpc | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Looks, tells how many there are, and watches from then on. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
  async look(wait: Wait): Promise<void> {
    const socket = await this.#options.connect();
    const ipc: SwayIpc = new SwayIpc(socket, {
      onWindow: (change, id) => {
        this.#onWindow(ipc, change, id);
      },
      onBytes: (bytes) => {
        this.#onBytes(ipc, bytes);
      },
      onLoss: () => {
        this.#pause(ipc);
      },
      onClose: () => {
        this.#pause(ipc);
      },
    });
    if (this.#end.signal.aborted) {
      ipc.close();
      return;
    }
    this.#ipc = ipc;
    await ipc.watchWindows(wait);
    const see = (ids: readonly number[]): void => {
      this.#windows = new Set(ids.slice(0, MAX_WINDOWS));
      this.#tell();
    };
    await ipc
      .windows(wait, (windows) => {
        see(windows.map(({ id }) => id));
      })
      .catch((error: unknown) => {
        if (RuntimeError.of(error).code !== 'TOOL_FAILED' || ipc !== this.#ipc) throw error;
        // so many that they cannot be read are some
        see([0]);
      });
  }

  close(): void {
    this.#end.abort();
    this.#ipc?.close();
    this.#ipc = undefined;
  }

  /** Sway says `new` when a window has its first picture, and `close` when its program has gone or taken it away. */
  #onWindow(ipc: SwayIpc, change: string, id: number): void {
    if (!this.#isAllowed(ipc)) return;
    if (change === 'new' && this.#windows.size < MAX_WINDOWS) this.#windows.add(id);
    if (change === 'close') this.#windows.delete(id);
    this.#tell();
  }

  #onBytes(ipc: SwayIpc, bytes: number): void {
    for (this.#readBytes += bytes; this.#readBytes >= BYTES_AN_EVENT; this.#readBytes -= BYTES_AN_EVENT) {
      if (!this.#isAllowed(ipc)) return;
    }
  }

  #isAllowed(ipc: SwayIpc): boolean {
    if (ipc !== this.#ipc) return false;
    if (this.#allowance.debtMs() > 0) {
      this.#pause(ipc);
      return false;
    }
    this.#allowance.take();
    return true;
  }

  #tell(): void {
    const count = this.#windows.size;
    if (count === this.#told) return;
    this.#told = count;
    this.#options.changed(count);
  }

  #pause(ipc: SwayIpc): void {
    if (ipc !== this.#ipc) return;
    this.#ipc = undefined;
    ipc.close();
    this.#lookLater().catch(() => undefined);
  }

  /** Until it is closed: that the compositor has ended is told by the connection for orders. A look that fails is only put off: it never rejects. */
  async #lookLater(): Promise<void> {
    const { signal } = this.#end;
    if (this.#isPausing) return;
    this.#isPausing = true;
    await this.#options.clock.sleep(PAUSE_MS, signal).catch(() => undefined);
    this.#isPausing = false;
    if (signal.aborted) return;
    await this.look({ signal, timeoutMs: ANSWER_MS }).catch(() => {
      if (this.#ipc !== undefined) this.#pause(this.#ipc);
      else this.#lookLater().catch(() => undefined);
    });
  }
}
