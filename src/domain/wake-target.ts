/** What an app is to be after `wake`. */
import type { MethodParams } from './api.ts';
import { WIRE_STATES, wireState } from './states.ts';
import type { WakeTarget } from './wire.ts';

const SUSPENDED = wireState('SUSPENDED');

/** `target` is our own and always holds. What upstream's `runtimeState` means is a setting; a number is the place of a state in the enumeration. */
export function wakeTargetOf(
  { target, runtimeState }: Pick<MethodParams<'wake'>, 'target' | 'runtimeState'>,
  setting: WakeTarget,
): 'RUNNING' | 'SUSPENDED' {
  if (target !== undefined) return target;
  const asked = typeof runtimeState === 'number' ? WIRE_STATES[runtimeState] : runtimeState;
  return setting === 'asAsked' && asked === SUSPENDED ? 'SUSPENDED' : 'RUNNING';
}
