/**
 * Live views: a wayvnc for each display that somebody looks at, as the app's user, with a place, a record and a control group of its
 * own, like those of a compositor: so it is found and ended by the same means, whoever started it. The last viewer takes it along.
 */
import type { Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import type { AppInstanceId, ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { User } from './user.ts';
import { endSway } from './end-sway.ts';
import type { LiveViewer } from './live-viewer.ts';
import type { SwayParts } from './parts.ts';
import { makePlaces, placesIn, SOCKET, writeRecord, type DisplayPlaces } from './places.ts';
import { connectToSocketOf } from './socket-of-app.ts';
import { endedAtOnce, startProgram, WORKING_DIRECTORY, type Program } from './start-program.ts';

/** It needs 10 MB at 720p, and for each viewer a picture more. */
const LIMITS = { memoryBytes: 256 * 2 ** 20, pids: 64 };
/** Of one display. */
const MAX_VIEWERS = 8;
const VNC_SOCKET = 'vnc.sock';
const POLL_MS = 5;
const CLEAN_UP_MS = 5000;

export type Subject = {
  readonly id: AppInstanceId;
  /** Of the display. */
  readonly displayName: string;
  readonly user: User;
  /** With the display's socket in it. */
  readonly directory: string;
  /** Of the largest picture that it may show. */
  readonly frameBytes: number;
};

type Ending = { readonly places: DisplayPlaces; readonly group: ContainerId };
type View = Ending & { readonly process: ProcessId; readonly user: User; readonly streams: Set<Socket> };

export class LiveViews {
  readonly #parts: SwayParts;
  readonly #views = new Map<AppInstanceId, View>();
  /** What was asked for last of each display: beginnings and ends take turns. */
  readonly #turns = new Map<AppInstanceId, Promise<unknown>>();

  constructor(parts: SwayParts) {
    this.#parts = parts;
  }

  /** A viewer's connection. Throws NOT_SUPPORTED, DISPLAY_FAILED, BUSY, TIMED_OUT, ABORTED. */
  open(subject: Subject, wait: Wait): Promise<Socket> {
    return this.#inTurn(subject.id, async () => {
      if (wait.signal.aborted) throw new RuntimeError('ABORTED', { what: 'nobody waits for the view any more' });
      const view = this.#views.get(subject.id) ?? (await this.#start(subject));
      if (view.streams.size >= MAX_VIEWERS) {
        throw new RuntimeError('BUSY', { what: `${MAX_VIEWERS} viewers look at ${subject.id} already` });
      }
      try {
        return this.#add(subject.id, view, await this.#connect(view, wait));
      } catch (error) {
        await this.#endIfUnused(subject.id, view);
        throw error;
      }
    });
  }

  /** Nobody is connected to the display for viewers any more when it returns. Throws KILL_FAILED. */
  end(id: AppInstanceId): Promise<void> {
    return this.#inTurn(id, async () => {
      const view = this.#views.get(id);
      if (view !== undefined) await this.#end(id, view);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#views.keys(), ...this.#turns.keys()].map((id) => this.end(id)));
  }

  async #start({ id, displayName, user, directory, frameBytes }: Subject): Promise<View> {
    const { viewer, groups } = this.#parts;
    if (viewer === undefined) throw new RuntimeError('NOT_SUPPORTED', { what: 'there is no wayvnc on this machine' });
    const name = `view-${displayName}`;
    const places = placesIn(`${this.#parts.directory}/${name}`);
    const ending = { places, group: name as ContainerId };
    await endSway(this.#parts, ending, unhurried(CLEAN_UP_MS));
    await makePlaces(places, '');
    try {
      const process = await startProgram(this.#parts, places, {
        user,
        program: { ...programOf(viewer, places, directory), fileBytes: frameBytes },
        began: ({ pid }) => {
          groups.enter(ending.group, pid, LIMITS);
        },
      });
      await writeRecord(places, { process });
      const view = { ...ending, process, user, streams: new Set<Socket>() };
      this.#views.set(id, view);
      return view;
    } catch (error) {
      await endSway(this.#parts, ending, unhurried(CLEAN_UP_MS));
      throw error;
    }
  }

  /** It listens some ms after its start, when it has spoken with the compositor. */
  async #connect({ process, places, user }: View, { signal, timeoutMs }: Wait): Promise<Socket> {
    const { processes, clock } = this.#parts;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await connectToSocketOf(user.uid, `${places.own}/${VNC_SOCKET}`);
      } catch (error) {
        if (!processes.isAlive(process)) throw await endedAtOnce(places);
        if (signal.aborted) throw new RuntimeError('ABORTED', { what: 'the view was not waited for', cause: error });
        if (performance.now() > deadline) {
          throw new RuntimeError('TIMED_OUT', { what: `the view was not there within ${timeoutMs} ms`, cause: error });
        }
      }
      await clock.sleep(POLL_MS);
    }
  }

  #add(id: AppInstanceId, view: View, stream: Socket): Socket {
    view.streams.add(stream);
    stream.on('error', () => undefined);
    stream.once('close', () => {
      view.streams.delete(stream);
      // what cannot be ended now is found again at the next start of a view, and of the daemon
      this.#inTurn(id, () => this.#endIfUnused(id, view)).catch(() => undefined);
    });
    return stream;
  }

  async #endIfUnused(id: AppInstanceId, view: View): Promise<void> {
    if (view.streams.size === 0 && this.#views.get(id) === view) await this.#end(id, view);
  }

  async #end(id: AppInstanceId, view: View): Promise<void> {
    this.#views.delete(id);
    for (const stream of view.streams) stream.destroy();
    await endSway(this.#parts, view, unhurried(CLEAN_UP_MS));
  }

  #inTurn<Result>(id: AppInstanceId, work: () => Promise<Result>): Promise<Result> {
    const done = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const turn = done.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(id, turn);
    const forget = (): void => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    };
    turn.then(forget, forget);
    return done;
  }
}

/** Its own configuration is empty; it is named so that nobody's is read, and that the program is found by it. Source: wayvnc(1). */
function programOf({ wayvnc, env, directories }: LiveViewer, places: DisplayPlaces, display: string): Program {
  const descriptor = 3 + directories.length;
  return {
    argv: [...wayvnc, '-C', places.config, '-u', VNC_SOCKET],
    env: { ...env, XDG_RUNTIME_DIR: WORKING_DIRECTORY, WAYLAND_DISPLAY: `/proc/self/fd/${descriptor}/${SOCKET}` },
    directories: [...directories, display],
  };
}
