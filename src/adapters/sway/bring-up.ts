/** Makes a display, whole or not at all. */
import { RuntimeError } from '../../domain/errors.ts';
import type { AppInstanceId, ContainerId } from '../../domain/ids.ts';
import { SET_UP } from '../../domain/set-up.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { DisplayOrder } from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { asClient } from '../wayland/client.ts';
import { endSway } from './end-sway.ts';
import type { SwayParts } from './parts.ts';
import type { AppStage } from './stage.ts';
import { makePlaces, readRecord, writeRecord, type DisplayPlaces } from './places.ts';
import { connectToSocketOf } from './socket-of-app.ts';
import { startSway } from './start-sway.ts';
import { swayConfig } from './sway-config.ts';

/** A compositor at 720p needs 20 MB, and some bytes for each pixel more. Beyond this it is a fault. */
const LIMITS = { memoryBytes: 512 * 2 ** 20, pids: 64 };
const CLEAN_UP_MS = 5000;

export type NewDisplay = {
  readonly places: DisplayPlaces;
  readonly group: ContainerId;
  readonly order: DisplayOrder;
  readonly on: AppStage;
};

/** Its sockets are there when this returns; {@link answers} is the next step. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED; then nothing is left of it. */
export async function bringUp(parts: SwayParts, display: NewDisplay, wait: Wait): Promise<void> {
  const { compositor, groups } = parts;
  const { places, group, order, on } = display;
  const { backend } = on.stage;
  if (compositor === undefined) throw noCompositor();
  await endSway(parts, display, unhurried(CLEAN_UP_MS));
  await makePlaces(places, swayConfig(order.size ?? on.size, backend));
  try {
    const process = await startSway({ ...parts, compositor }, places, {
      user: order,
      stage: on.stage,
      began: ({ pid }) => {
        groups.enter(group, pid, LIMITS);
      },
      wait,
    });
    await writeRecord(places, { process, backend });
  } catch (error) {
    await endSway(parts, display, unhurried(CLEAN_UP_MS));
    throw asDisplayFailure(order, error);
  }
}

/** Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export async function answers({ places, order }: Pick<NewDisplay, 'places' | 'order'>, wait: Wait): Promise<void> {
  try {
    await asClient(await connectToSocketOf(order.uid, places.socket), wait, (client) => client.globals());
  } catch (error) {
    throw asDisplayFailure(order, error);
  }
}

/** What lies there without a living compositor is left over. */
export async function isInUse({ processes }: SwayParts, places: DisplayPlaces): Promise<boolean> {
  const record = await readRecord(places).catch(() => undefined);
  return record !== undefined && processes.isAlive(record.process);
}

export const taken = (id: AppInstanceId): RuntimeError =>
  new RuntimeError('DISPLAY_FAILED', {
    what: `the display of ${id} is there already and in use`,
    next: 'give another appInstanceId',
  });

export const noCompositor = (): RuntimeError =>
  new RuntimeError('DISPLAY_FAILED', {
    what: 'no display can be made: there is no sway on this machine',
    next: `let the set-up fetch one (${SET_UP}), or: apt install --no-install-recommends sway grim`,
  });

function asDisplayFailure({ appInstanceId }: DisplayOrder, error: unknown): RuntimeError {
  const { code } = RuntimeError.of(error);
  return new RuntimeError(code === 'TIMED_OUT' || code === 'ABORTED' ? code : 'DISPLAY_FAILED', {
    what: `${appInstanceId} got no display`,
    cause: error,
  });
}
