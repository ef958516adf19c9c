/** What the daemon holds of a living display: a connection to its compositor for orders, and one that tells of its windows. */
import type { Socket } from 'node:net';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DisplayEvent } from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import type { User } from './user.ts';
import { hasClient } from './first-client.ts';
import { SwayIpc } from './ipc.ts';
import { connectToSocketOf } from './socket-of-app.ts';
import { WindowWatch } from './window-watch.ts';

const POLL_MS = 5;
/** Pauses between looks for the first client: a tenth of the time that has passed, at most a second. */
const FIRST_LOOK_MS = 10;
const LOOK_LESS_OFTEN = 1.1;
const SELDOM_MS = 1000;

/** What has another form than a socket of the app's will not become one. */
const isNotThereYet = (error: unknown): boolean =>
  error instanceof Error && isErrno(error.cause, 'ENOENT', 'ECONNREFUSED');

export class CompositorLink {
  readonly user: User;
  readonly #tell: (event: DisplayEvent) => void;
  #ipc: SwayIpc | undefined;
  #watch: WindowWatch | undefined;
  #closed = false;
  #isConnected = false;

  constructor(user: User, tell: (event: DisplayEvent) => void) {
    this.user = user;
    this.#tell = tell;
  }

  /** Waits until it listens. `isNew`: nobody has told of its windows yet. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
  async open(path: string, isNew: boolean, wait: Wait & { readonly clock: Clock }): Promise<void> {
    const socket = await this.#connect(path, wait);
    const ipc = new SwayIpc(socket, {
      onClose: () => {
        this.#ipc = undefined;
        this.#watch?.close();
        this.#tell('died');
      },
    });
    this.#ipc = ipc;
    // the next daemon cannot know whether it was told
    this.#isConnected = !isNew;
    let isTold = isNew;
    let shown = 0;
    this.#watch = new WindowWatch({
      connect: () => connectToSocketOf(this.user.uid, path),
      clock: wait.clock,
      changed: (count) => {
        // those of before the daemon was there were told then
        if (isTold) this.#onWindows(shown, count);
        shown = count;
      },
    });
    await this.#watch.look(wait);
    isTold = true;
  }

  /** Tells of the first program that is connected: of one that stays, as whoever takes pictures does not. */
  async awaitClient(compositor: () => Promise<number | undefined>, clock: Clock): Promise<void> {
    const pid = await compositor();
    let seen = 0;
    for (let pauseMs = FIRST_LOOK_MS; pid !== undefined && this.#awaits(); pauseMs *= LOOK_LESS_OFTEN) {
      seen = (await hasClient(pid)) ? seen + 1 : 0;
      if (seen > 1) this.#onClient();
      else await clock.sleep(Math.min(seen > 0 ? POLL_MS : pauseMs, SELDOM_MS));
    }
  }

  #awaits(): boolean {
    return !this.#isConnected && this.#ipc !== undefined;
  }

  #onClient(): void {
    if (!this.#awaits()) return;
    this.#isConnected = true;
    this.#tell('connected');
  }

  /** A compositor whose screen has ended goes on, and can show nothing any more. */
  async hasOutput(wait: Wait): Promise<boolean> {
    return (await this.#ipc?.outputSize(wait)) !== undefined;
  }

  async command(text: string, wait: Wait): Promise<void> {
    if (this.#ipc === undefined) throw new RuntimeError('DISPLAY_FAILED', { what: 'the display has died' });
    await this.#ipc.command(text, wait);
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    this.#ipc?.close();
    this.#ipc = undefined;
  }

  /** A compositor in a container comes up in its own time. */
  async #connect(path: string, { clock, signal, timeoutMs }: Wait & { readonly clock: Clock }): Promise<Socket> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        const socket = await connectToSocketOf(this.user.uid, path);
        if (!this.#closed) return socket;
        socket.destroy();
      } catch (error) {
        if (!isNotThereYet(error) || performance.now() > deadline) throw error;
      }
      if (this.#closed || signal.aborted) {
        throw new RuntimeError('ABORTED', { what: 'the display was not waited for', cause: signal.reason });
      }
      await clock.sleep(POLL_MS);
    }
  }

  #onWindows(before: number, now: number): void {
    if (before === 0 && now > 0) {
      this.#onClient();
      this.#tell('ready');
    }
    if (before > 0 && now === 0) this.#tell('gone');
  }
}
