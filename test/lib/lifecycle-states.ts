/** The states of RDK's LifecycleManager and the ways between them (entservices-appmanagers, LifecycleManager/StateHandler.cpp). */

export type Lifecycle =
  'UNLOADED' | 'LOADING' | 'INITIALIZING' | 'PAUSED' | 'ACTIVE' | 'SUSPENDED' | 'HIBERNATED' | 'TERMINATING';

/** StateHandler.cpp, StateHandler::initialize: from where each state is entered. */
const PRECEDING: Readonly<Record<Lifecycle, readonly Lifecycle[]>> = {
  UNLOADED: [],
  LOADING: ['UNLOADED'],
  INITIALIZING: ['LOADING'],
  PAUSED: ['INITIALIZING', 'ACTIVE', 'SUSPENDED'],
  ACTIVE: ['PAUSED'],
  SUSPENDED: ['INITIALIZING', 'PAUSED', 'HIBERNATED'],
  HIBERNATED: ['SUSPENDED'],
  TERMINATING: ['PAUSED', 'SUSPENDED'],
};

/** ILifecycleManager.h, LifecycleState: what TARGET_STATE says. */
const NUMBERS: readonly Lifecycle[] = [
  ...(['UNLOADED', 'LOADING', 'INITIALIZING', 'PAUSED'] as const),
  ...(['ACTIVE', 'SUSPENDED', 'HIBERNATED', 'TERMINATING'] as const),
];

export const numberOf = (state: Lifecycle): number => NUMBERS.indexOf(state);

/** StateHandler.cpp, isValidTransition and getStatePath: both ends included; undefined: there is no way. */
export function pathTo(state: Lifecycle, target: Lifecycle): readonly Lifecycle[] | undefined {
  if (state === 'LOADING' && target === 'TERMINATING') return ['LOADING', 'UNLOADED'];
  const seen = new Set<Lifecycle>();
  const search = (to: Lifecycle): readonly Lifecycle[] | undefined => {
    if (to === state) return [to];
    seen.add(to);
    for (const from of PRECEDING[to]) {
      const way = seen.has(from) ? undefined : search(from);
      if (way !== undefined) return [...way, to];
    }
    return undefined;
  };
  const path = search(target);
  return target === 'TERMINATING' && path !== undefined ? [...path, 'UNLOADED'] : path;
}
