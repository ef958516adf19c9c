/**
 * One compositor for a screen: the apps' compositors on the host are its windows, stacked as the manager says. It is nobody's child,
 * like them, and lives as long as there are any. On a device it draws on the screens (DRM), in a session it is a window.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Wait } from '../../ports/wait.ts';
import type { User } from './user.ts';
import { noCompositor } from './bring-up.ts';
import { endSway } from './end-sway.ts';
import { SwayIpc, type Window } from './ipc.ts';
import type { SwayParts } from './parts.ts';
import { makePlaces, placesIn, readRecord, writeRecord, type DisplayPlaces } from './places.ts';
import { connectToSocketOf } from './socket-of-app.ts';
import type { Stage } from './stage.ts';
import { startSway } from './start-sway.ts';
import { HIDDEN, screenConfig, SHOWN, type Backend, type Size } from './sway-config.ts';

/** Directory and control group; no app's display is called so. */
export const SCREEN = 'screen';

const LIMITS = { memoryBytes: 1024 * 2 ** 20, pids: 64 };
const ANSWER_MS = 3000;
const FOLLOW_MS = 1000;
const POLL_MS = 10;

/**
 * Sway puts a new window in front when its client has answered, or has not for 200 ms (txn_timeout_ms in sway/desktop/transaction.c);
 * nothing tells when. On a busy machine that may be later.
 */
const AGAIN_AFTER_MS = [0, 100, 250, 1000];
const within = (): Wait => unhurried(ANSWER_MS);

export type ScreenOptions = {
  readonly backend: Backend;
  /** For `wayland`: the socket of the session that it is a window of. */
  readonly socket: string | undefined;
  readonly size: Size;
  readonly user: User;
};

/** Processes of the apps' compositors, the hindmost first; the last `above` of them are in front of the one with the focus. */
export type Stacked = { readonly pids: readonly number[]; readonly above: number };

/** `size`: of what an app can fill. */
type Up = { readonly ipc: SwayIpc; readonly size: Size };

export class ParentScreen {
  readonly #parts: SwayParts;
  readonly #options: ScreenOptions;
  readonly #places: DisplayPlaces;
  #onDeath = (): void => undefined;
  #up: Promise<Up> | undefined;
  /** Pictures under way. */
  #revealing = 0;
  #wanted: Stacked = { pids: [], above: 0 };
  #arranging: Promise<void> = Promise.resolve();
  /** Windows have come or gone since the last round of arranging began. */
  #isChanged = false;
  #isFollowing = false;

  constructor(parts: SwayParts, options: ScreenOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#places = placesIn(`${parts.directory}/${SCREEN}`);
  }

  /** `died`: called whenever it has ended without being told to. */
  watch(died: () => void): void {
    this.#onDeath = died;
  }

  /** Made when there is none. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
  async stage(wait: Wait): Promise<{ readonly stage: Stage; readonly size: Size }> {
    const { size } = await this.#ready(wait);
    return { stage: { backend: 'wayland', socket: this.#places.socket, owner: this.#options.user.uid }, size };
  }

  /** From then on, also when windows come later. Makes no screen. */
  async arrange(wanted: Stacked, wait: Wait): Promise<void> {
    this.#wanted = wanted;
    if (this.#up === undefined && !(await this.#isThere())) return;
    await this.#ready(wait);
    await this.#apply();
  }

  /** Who is covered gets no frames, and whoever takes a picture of it waits for one. Nobody can see what is different meanwhile. */
  async reveal(): Promise<AsyncDisposable> {
    this.#revealing++;
    if (this.#revealing === 1) await this.#everybody('opacity 0.999');
    return {
      [Symbol.asyncDispose]: async () => {
        this.#revealing--;
        if (this.#revealing === 0) await this.#everybody('opacity 1');
      },
    };
  }

  async #everybody(words: string): Promise<void> {
    const up = await this.#up;
    await up?.ipc.command(`[title=".*"] ${words}`, within()).catch(() => undefined);
  }

  /** Waits until a window has the size that its compositor was given; one that has another by then keeps it. */
  async follows(pid: number, { width, height }: Size, clock: Clock): Promise<void> {
    const deadline = performance.now() + FOLLOW_MS;
    for (let up = await this.#up; up !== undefined && performance.now() < deadline; up = await this.#up) {
      const window = (await up.ipc.windows(within())).find((one) => one.pid === pid);
      if (window === undefined || (window.rect.width === width && window.rect.height === height)) return;
      await clock.sleep(POLL_MS);
    }
  }

  /** Lets go of it, and ends it when nobody is seen on it any more. */
  async close(isUsed: boolean, wait: Wait): Promise<void> {
    const up = await this.#up?.catch(() => undefined);
    up?.ipc.close();
    this.#up = undefined;
    if (!isUsed) await this.#end(wait);
  }

  #ready(wait: Wait): Promise<Up> {
    this.#up ??= this.#bringUp(wait).catch((error: unknown) => {
      this.#up = undefined;
      throw error;
    });
    return this.#up;
  }

  async #isThere(): Promise<boolean> {
    const record = await readRecord(this.#places).catch(() => undefined);
    return record !== undefined && this.#parts.processes.isAlive(record.process);
  }

  async #bringUp(wait: Wait): Promise<Up> {
    if (!(await this.#isThere())) await this.#start(wait);
    const socket = await connectToSocketOf(this.#options.user.uid, this.#places.ipc);
    const ipc = new SwayIpc(socket, {
      onWindow: (change) => {
        if (change === 'new' || change === 'close') this.#applyAfterChange().catch(() => undefined);
      },
      onClose: () => {
        this.#up = undefined;
        this.#onDeath();
      },
    });
    await ipc.watchWindows(wait);
    return { ipc, size: (await ipc.outputSize(wait)) ?? this.#options.size };
  }

  async #start(wait: Wait): Promise<void> {
    const { compositor, groups } = this.#parts;
    const { user, backend, size, socket } = this.#options;
    if (compositor === undefined) throw noCompositor();
    await this.#end(within());
    await makePlaces(this.#places, screenConfig(size, backend));
    try {
      const process = await startSway({ ...this.#parts, compositor }, this.#places, {
        user,
        stage: { backend, socket, owner: undefined },
        began: ({ pid }) => {
          groups.enter(SCREEN as ContainerId, pid, LIMITS);
        },
        wait,
      });
      await writeRecord(this.#places, { process, backend });
    } catch (cause) {
      await this.#end(within());
      throw new RuntimeError('DISPLAY_FAILED', {
        what: 'the screen that apps are to be seen on (displays.parent) did not come up',
        next: 'correct displays.parent of the configuration, or take it out: then displays are seen by their pictures only',
        cause,
      });
    }
  }

  #end(wait: Wait): Promise<void> {
    return endSway(this.#parts, { places: this.#places, group: SCREEN as ContainerId }, wait);
  }

  /** However many windows come and go meanwhile, one round is under way, and one more follows it. */
  async #applyAfterChange(): Promise<void> {
    this.#isChanged = true;
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    try {
      while (this.#isChanged) {
        this.#isChanged = false;
        await this.#applyRepeatedly();
      }
    } finally {
      this.#isFollowing = false;
    }
  }

  async #applyRepeatedly(): Promise<void> {
    for (const pauseMs of AGAIN_AFTER_MS) {
      if (pauseMs > 0) await this.#parts.clock.sleep(pauseMs);
      await this.#apply();
    }
  }

  /** One at a time, each with what is wanted then. */
  #apply(): Promise<void> {
    const turn = this.#arranging.then(() => this.#stack());
    this.#arranging = turn.catch(() => undefined);
    return turn;
  }

  /**
   * The focus raises whoever gets it. So all get it, the hindmost first; then those in front of the one that is to have it leave for a
   * moment, which gives it back without lowering them. A hidden display is black, and under all others.
   */
  async #stack(): Promise<void> {
    const up = await this.#up;
    if (up === undefined) return;
    const { pids, above } = this.#wanted;
    const windows = await up.ipc.windows(within());
    const shown = pids.flatMap((pid) => windows.filter((window) => window.pid === pid));
    const hidden = windows.filter((window) => !shown.includes(window));
    const tell = async (some: readonly Window[], words: string): Promise<void> => {
      if (some.length === 0) return;
      const commands = some.map(({ id }) => `[con_id=${id}] ${words}`);
      // one that has gone meanwhile is no fault, and is told of
      await up.ipc.command(commands.join('; '), within()).catch(() => undefined);
    };
    const front = above === 0 ? [] : shown.slice(-above);
    await tell([...hidden, ...shown], 'move position center, focus');
    await tell(front, `move container to workspace ${HIDDEN}`);
    await tell(front, `move container to workspace ${SHOWN}`);
  }
}
