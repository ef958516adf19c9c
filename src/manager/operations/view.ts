/** How callers want an app's display to be: put in force while the app runs, else as soon as it runs on. */
import { RuntimeError } from '../../domain/errors.ts';
import { viewOf, type DisplayView } from '../../domain/view.ts';
import type { EventBody, Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { applyView, ownScreen } from './screen.ts';

export type ViewChange = Partial<DisplayView>;

/**
 * True when it was so already. In the instance's queue. Throws NOT_SUPPORTED for an app without a display of ours, ILLEGAL_STATE
 * for one that neither runs nor is suspended, DISPLAY_FAILED; then it is as it was.
 */
export async function changeView(world: World, instance: Instance, change: ViewChange): Promise<boolean> {
  const { record, state } = instance;
  const { controls, owner } = ownScreen(world, record);
  refuseAbsent(instance);
  if (owner.placement === 'container' && controls.screen !== null) refuseUnseen(instance, change);
  const before = viewOf(record);
  const after = { ...before, ...change };
  if (isSame(before, after)) return true;
  if (state === 'RUNNING') {
    await applyView(controls, record.appInstanceId, { before, after }).catch((cause: unknown) => {
      throw new RuntimeError('DISPLAY_FAILED', {
        what: `the display of ${record.appInstanceId} is as it was`,
        next: 'look at the log of the app: its compositor may have ended, or be at its limits',
        cause,
      });
    });
  }
  const isFocusOnly = isSame(before, { ...after, focus: before.focus });
  await instance.update(() => ({
    record: { view: after },
    after: isFocusOnly ? [] : [changed(after)],
    ...instance.asker,
  }));
  return false;
}

function changed({ visible, zOrder, size }: DisplayView): EventBody {
  return { type: 'displayChanged', visible, zOrder, width: size?.width ?? null, height: size?.height ?? null };
}

const isSame = (one: DisplayView, other: DisplayView): boolean =>
  one.visible === other.visible &&
  one.zOrder === other.zOrder &&
  one.focus === other.focus &&
  one.size?.width === other.size?.width &&
  one.size?.height === other.size?.height;

/** It may be hidden and resized, for its pictures. */
function refuseUnseen({ record: { appInstanceId } }: Instance, { focus, zOrder }: ViewChange): void {
  if (focus === undefined && zOrder === undefined) return;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `the display of ${appInstanceId} is in its container, and not on the screen`,
    next: 'run it with display.placement host; then it is on the screen, and cannot be hibernated',
  });
}

function refuseAbsent({ state, record: { appInstanceId } }: Instance): void {
  if (state === 'RUNNING' || state === 'SUSPENDED') return;
  throw new RuntimeError('ILLEGAL_STATE', {
    what: `the display of ${appInstanceId} cannot be changed: the app is ${state}`,
    next: state === 'HIBERNATED' ? 'wake it first; its display sleeps with it' : 'run it first',
    details: { state },
  });
}
