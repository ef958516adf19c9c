import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowedIn,
  isAlive,
  isAlreadySo,
  MOVES,
  OPERATIONS,
  STATES,
  wireState,
  type Operation,
  type State,
} from '../../src/domain/states.ts';

/** DESIGN §3, cell by cell: where it leads, and over which state; anything else is refused. */
const SPECIFICATION: Readonly<Record<State, Readonly<Partial<Record<Operation, string>>>>> = {
  STARTING: { kill: 'TERMINATING>TERMINATED' },
  RUNNING: {
    suspend: 'SUSPENDED',
    hibernate: 'HIBERNATING>HIBERNATED',
    terminate: 'TERMINATING>TERMINATED',
    kill: 'TERMINATING>TERMINATED',
  },
  SUSPENDED: {
    resume: 'RUNNING',
    hibernate: 'HIBERNATING>HIBERNATED',
    terminate: 'TERMINATING>TERMINATED',
    kill: 'TERMINATING>TERMINATED',
  },
  HIBERNATING: { kill: 'TERMINATING>TERMINATED' },
  HIBERNATED: { wake: 'WAKING>RUNNING', terminate: 'TERMINATING>TERMINATED', kill: 'TERMINATING>TERMINATED' },
  WAKING: { kill: 'TERMINATING>TERMINATED' },
  TERMINATING: { kill: 'TERMINATING>TERMINATED' },
  TERMINATED: { run: 'STARTING>RUNNING' },
};

for (const state of STATES) {
  for (const operation of OPERATIONS) {
    const wanted = SPECIFICATION[state][operation];
    test(`${operation} of an app that is ${state} ${wanted === undefined ? 'is refused' : `leads to ${wanted}`}`, () => {
      const move = MOVES[state][operation];
      const led = move === undefined ? undefined : [move.via, move.to].filter((one) => one !== undefined).join('>');
      assert.equal(led, wanted);
      assert.equal(allowedIn(state).includes(operation), wanted !== undefined);
    });
  }
}

test('kill is possible in every state but the last, where it is a success already', () => {
  for (const state of STATES) assert(MOVES[state].kill !== undefined || isAlreadySo(state, 'kill'), state);
});

test('what is so already is only ever asked of terminate and kill', () => {
  const already = STATES.flatMap((state) =>
    OPERATIONS.filter((operation) => isAlreadySo(state, operation)).map((operation) => `${operation} ${state}`),
  );
  assert.deepEqual(already.sort(), ['kill TERMINATED', 'terminate TERMINATED', 'terminate TERMINATING']);
});

test('only a terminated app holds nothing', () => {
  assert.deepEqual(
    STATES.filter((state) => !isAlive(state)),
    ['TERMINATED'],
  );
});

test('each state has the name that the interface of RDK gives it', () => {
  assert.deepEqual(STATES.map(wireState), [
    'RUNTIME_STATE_STARTING',
    'RUNTIME_STATE_RUNNING',
    'RUNTIME_STATE_SUSPENDED',
    'RUNTIME_STATE_HIBERNATING',
    'RUNTIME_STATE_HIBERNATED',
    'RUNTIME_STATE_WAKING',
    'RUNTIME_STATE_TERMINATING',
    'RUNTIME_STATE_TERMINATED',
  ]);
});
