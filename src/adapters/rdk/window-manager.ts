/**
 * Displays by org.rdk.RDKWindowManager, asked for as upstream's WindowManagerConnector does it. It has no destroyDisplay
 * (IRDKWindowManager.h): a display goes when a client of it leaves. Source: facts/thunder.md §3.2, {@link leaveDisplay}.
 */
import { lstat, rm } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { containerIdFor, type AppInstanceId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DisplayOrder, DisplayPlace, Displays } from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { neighbourFailed } from './answers.ts';
import { aborted, within } from './calls.ts';
import { leaveDisplay } from './leave-display.ts';
import type { Thunder } from './thunder.ts';

export const WINDOW_MANAGER = 'org.rdk.RDKWindowManager';

type Options = {
  readonly thunder: Thunder;
  /** The window manager's XDG_RUNTIME_DIR, or /tmp. */
  readonly directory: string;
  readonly clock: Clock;
};

/** sockaddr_un of unix(7), without the final NUL. */
const MAX_SOCKET_PATH_BYTES = 107;
const POLL_MS = 10;
/** How long a display has to answer its last client, and then to go: the window manager removes it when it draws the next picture. */
const LEAVE_MS = 2000;

export function windowManager({ thunder, directory, clock }: Options): Displays {
  const neighbour = thunder.neighbour(WINDOW_MANAGER);
  /** Asked for and not answered: before its answer nobody can tell what there is to give back. */
  const asked = new Map<AppInstanceId, Promise<unknown>>();
  /** Their names were taken when they asked: what is there belongs to others. */
  const foreign = new Set<AppInstanceId>();
  const placeOf = (id: AppInstanceId): DisplayPlace => placeIn(directory, id);

  async function ask(order: DisplayOrder, place: DisplayPlace): Promise<void> {
    // its own limit is the neighbour's; who gives up earlier does not make it forget
    const wait = unhurried(Infinity);
    await neighbour.call('createDisplay', paramsOf(order, place), wait);
  }

  return {
    offered: true,
    controls: null,
    placeOf,
    createDisplay: async (order, wait) => {
      const place = placeOf(order.appInstanceId);
      const what = `no display could be made for ${order.appInstanceId}`;
      try {
        foreign.delete(order.appInstanceId);
        if ((await look(place.socket)) !== undefined) {
          foreign.add(order.appInstanceId);
          throw taken(place);
        }
        wait.signal.throwIfAborted();
        const answer = ask(order, place);
        asked.set(order.appInstanceId, answer);
        void answer.catch(() => undefined).finally(() => asked.delete(order.appInstanceId));
        await within(WINDOW_MANAGER, answer, wait);
        await appears(place, order, { clock, wait });
        return place;
      } catch (error) {
        throw wait.signal.aborted ? aborted('the display', wait.signal.reason) : explained(what, error);
      }
    },
    destroyDisplay: async (id, wait) => {
      await asked.get(id)?.catch(() => undefined);
      if (foreign.has(id)) return;
      const socket = socketOf(directory, nameOf(id));
      if ((await look(socket)) !== 'socket') return;
      const limit = { ...wait, timeoutMs: Math.min(LEAVE_MS, wait.timeoutMs) };
      try {
        if ((await leaveDisplay(socket, limit)) === 'left') await disappears(socket, { clock, wait: limit });
        // of a window manager that has ended: the file would only stand in the way of the next display
        else await rm(socket, { force: true });
      } catch (error) {
        // its own client may have left at the same moment, and taken the display with it
        if ((await look(socket)) === undefined) return;
        throw wait.signal.aborted ? aborted('the display', wait.signal.reason) : stays(id, socket, error);
      }
    },
  };
}

const nameOf = (id: AppInstanceId): string => `wst-${containerIdFor(id)}`;
const socketOf = (directory: string, displayName: string): string => `${directory}/${displayName}`;

function placeIn(directory: string, id: AppInstanceId): DisplayPlace {
  const displayName = nameOf(id);
  const socket = socketOf(directory, displayName);
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES) return { displayName, socket, inside: null };
  throw new RuntimeError('DISPLAY_FAILED', {
    what: `no display can be made for ${id}: ${socket} is too long for a socket`,
    next: `use a shorter appInstanceId, or a shorter displays.directory: ${MAX_SOCKET_PATH_BYTES} bytes in all`,
  });
}

const paramsOf = ({ appInstanceId, uid, gid, size, capabilities }: DisplayOrder, { displayName }: DisplayPlace) => ({
  clientId: appInstanceId,
  displayName,
  displayWidth: size?.width ?? 0,
  displayHeight: size?.height ?? 0,
  virtualDisplay: false,
  virtualWidth: 0,
  virtualHeight: 0,
  ownerId: uid,
  groupId: gid,
  topmost: false,
  focus: false,
  // window managers that are older do not read it
  capabilities: capabilities.join(','),
});

type Patience = { readonly clock: Clock; readonly wait: Wait };

/** The answer may come before the compositor listens. In /tmp others can make files, too: it must be root's or the app's. */
async function appears({ socket }: DisplayPlace, { uid }: DisplayOrder, { clock, wait }: Patience): Promise<void> {
  const deadline = performance.now() + wait.timeoutMs;
  for (;;) {
    wait.signal.throwIfAborted();
    const found = await lstat(socket).catch(ignoreMissing);
    if (found?.isSocket() === true && (found.uid === 0 || found.uid === uid)) return;
    if (found !== undefined) {
      throw neighbourFailed(`${WINDOW_MANAGER}.createDisplay`, 'failed', `${socket} is not a socket of its own`);
    }
    if (performance.now() > deadline) {
      throw neighbourFailed(`${WINDOW_MANAGER}.createDisplay`, 'failed', `${socket} did not appear`);
    }
    await clock.sleep(POLL_MS);
  }
}

async function disappears(socket: string, { clock, wait }: Patience): Promise<void> {
  const deadline = performance.now() + wait.timeoutMs;
  while ((await look(socket)) !== undefined) {
    if (performance.now() > deadline) throw new RuntimeError('TIMED_OUT', { what: 'its last client has left' });
    wait.signal.throwIfAborted();
    await clock.sleep(POLL_MS);
  }
}

async function look(path: string): Promise<'socket' | 'other' | undefined> {
  const found = await lstat(path).catch(ignoreMissing);
  if (found === undefined) return undefined;
  return found.isSocket() ? 'socket' : 'other';
}

function ignoreMissing(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
}

const taken = ({ displayName, socket }: DisplayPlace): RuntimeError =>
  new RuntimeError('DISPLAY_FAILED', {
    what: `the display ${displayName} is there already`,
    next: `use another appInstanceId, or remove ${socket} if no app has it`,
  });

const stays = (id: AppInstanceId, socket: string, cause: unknown): RuntimeError =>
  new RuntimeError('DISPLAY_FAILED', {
    what: `the display of ${id} stays: ${WINDOW_MANAGER} did not remove ${socket}`,
    next: 'it is tried again; if it stays so, restart the plugin (Controller.deactivate, activate)',
    cause,
  });

/** Whatever went wrong, there is no display. */
function explained(what: string, error: unknown): RuntimeError {
  const known = RuntimeError.of(error);
  if (known.code === 'DISPLAY_FAILED') return known;
  return new RuntimeError('DISPLAY_FAILED', { what, next: known.next, details: known.details, cause: known });
}
