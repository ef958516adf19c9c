/** The life of an app instance as one table: what may be asked in which state, and where it leads (DESIGN §3). */

export const STATES = [
  'STARTING',
  'RUNNING',
  'SUSPENDED',
  'HIBERNATING',
  'HIBERNATED',
  'WAKING',
  'TERMINATING',
  'TERMINATED',
] as const;
export type State = (typeof STATES)[number];

export const OPERATIONS = ['run', 'suspend', 'resume', 'hibernate', 'wake', 'terminate', 'kill'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** `via` is the state while the operation works, `to` the one when it is done. */
export type Move = { readonly via?: State; readonly to: State };

const END: Move = { via: 'TERMINATING', to: 'TERMINATED' };
const SLEEP: Move = { via: 'HIBERNATING', to: 'HIBERNATED' };

/** An empty cell is a refusal. An instance that was never run is in the state TERMINATED. */
export const MOVES: Readonly<Record<State, Readonly<Partial<Record<Operation, Move>>>>> = {
  STARTING: { kill: END },
  RUNNING: { suspend: { to: 'SUSPENDED' }, hibernate: SLEEP, terminate: END, kill: END },
  SUSPENDED: { resume: { to: 'RUNNING' }, hibernate: SLEEP, terminate: END, kill: END },
  HIBERNATING: { kill: END },
  HIBERNATED: { wake: { via: 'WAKING', to: 'RUNNING' }, terminate: END, kill: END },
  WAKING: { kill: END },
  TERMINATING: { kill: END },
  TERMINATED: { run: { via: 'STARTING', to: 'RUNNING' } },
};

/** Besides: with an engine that keeps the processes (Dobby) these give up a hibernation that is at work, as upstream's do. */
export const GIVE_UP: Readonly<Partial<Record<Operation, Move>>> = {
  wake: { via: 'WAKING', to: 'RUNNING' },
  terminate: END,
};

/** Asked for what is already so: a success that changes nothing. */
const ALREADY_SO: Readonly<Partial<Record<Operation, readonly State[]>>> = {
  terminate: ['TERMINATING', 'TERMINATED'],
  kill: ['TERMINATED'],
};

export const isAlreadySo = (state: State, operation: Operation): boolean =>
  ALREADY_SO[operation]?.includes(state) ?? false;

/** Every state but the last: the instance holds something on this machine. */
export const isAlive = (state: State): boolean => state !== 'TERMINATED';

export const allowedIn = (state: State): readonly Operation[] =>
  OPERATIONS.filter((operation) => MOVES[state][operation] !== undefined);

type WireState = `RUNTIME_STATE_${State | 'UNKNOWN'}`;

/** In upstream's order: the number of each is its place. Source: entservices-apis IRuntimeManager.h, RuntimeState. */
export const WIRE_STATES = (['UNKNOWN', ...STATES] as const).map((state): WireState => `RUNTIME_STATE_${state}`);

/** State on the wire. Source: entservices-apis IRuntimeManager.h, RuntimeState. */
export const wireState = (state: State): WireState => `RUNTIME_STATE_${state}`;
