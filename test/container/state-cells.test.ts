/** Every operation in every state that a real container can be brought to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { allowedIn, type State } from '../../src/domain/states.ts';
import {
  DEAF,
  exitOf,
  hostApp,
  inWords,
  eventsOf,
  runApp,
  SLEEP,
  stateOf,
  uniqueId,
  untilSays,
  untilState,
} from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { refusal } from '../lib/refusal.ts';
import { troubledTools, type TroubledTools } from '../lib/tools.ts';

const OPERATIONS = ['run', 'suspend', 'resume', 'terminate', 'kill'] as const;
type Operation = (typeof OPERATIONS)[number];

/** What the call answers, and the state after it. `in`: the state that a refusal names, as the queue may have moved on. */
type Cell = { readonly answer: 'done' | 'already' | ErrorCode; readonly then: State; readonly in?: State };

const refusedIn = (state: State): Cell => ({ answer: 'ILLEGAL_STATE', then: state, in: state });
const taken = (state: State): Cell => ({ answer: 'ALREADY_EXISTS', then: state, in: state });
const done = (then: State): Cell => ({ answer: 'done', then });
const already = (then: State): Cell => ({ answer: 'already', then });

type Place = { readonly client: Client; readonly tools: TroubledTools };
/** Brings a new instance to a state and calls back there; `later` is what lets it out of a state that passes. */
type Case = {
  readonly reach: (place: Place, id: string) => Promise<void>;
  readonly later?: (place: Place, id: string) => Promise<unknown>;
  readonly cells: Readonly<Record<Operation, Cell>>;
};

const runSleep = ({ client }: Place, id: string): Promise<unknown> => client.run(hostApp(id, SLEEP));

const CASES: Partial<Record<State, Case>> = {
  STARTING: {
    reach: async (place, id) => {
      await place.tools.hang('create', id);
      void runSleep(place, id).catch(() => undefined);
      await place.tools.hangs('create', id);
    },
    later: ({ tools }, id) => tools.release('create', id),
    cells: {
      run: taken('STARTING'),
      // what has its turn only after the start sees what the start has made
      suspend: done('SUSPENDED'),
      resume: refusedIn('RUNNING'),
      terminate: done('TERMINATED'),
      kill: done('TERMINATED'),
    },
  },
  RUNNING: {
    reach: async (place, id) => {
      await runSleep(place, id);
    },
    cells: {
      run: taken('RUNNING'),
      suspend: done('SUSPENDED'),
      resume: refusedIn('RUNNING'),
      terminate: done('TERMINATED'),
      kill: done('TERMINATED'),
    },
  },
  SUSPENDED: {
    reach: async (place, id) => {
      await runSleep(place, id);
      await place.client.suspend({ appInstanceId: id });
    },
    cells: {
      run: taken('SUSPENDED'),
      suspend: refusedIn('SUSPENDED'),
      resume: done('RUNNING'),
      terminate: done('TERMINATED'),
      kill: done('TERMINATED'),
    },
  },
  TERMINATING: {
    reach: async ({ client }, id) => {
      await client.run(hostApp(id, DEAF, { terminateGraceMs: 700 }));
      await untilSays(client, id, 'ready');
      void client.terminate({ appInstanceId: id }).catch(() => undefined);
      await untilState(client, id, 'TERMINATING');
    },
    cells: {
      run: taken('TERMINATING'),
      suspend: refusedIn('TERMINATED'),
      resume: refusedIn('TERMINATED'),
      terminate: already('TERMINATED'),
      kill: done('TERMINATED'),
    },
  },
  TERMINATED: {
    reach: async (place, id) => {
      await runSleep(place, id);
      await place.client.kill({ appInstanceId: id });
    },
    cells: {
      run: done('RUNNING'),
      suspend: refusedIn('TERMINATED'),
      resume: refusedIn('TERMINATED'),
      terminate: already('TERMINATED'),
      kill: already('TERMINATED'),
    },
  },
};

const call = (client: Client, operation: Operation, id: string): Promise<unknown> =>
  operation === 'run' ? client.run(hostApp(id, SLEEP)) : client[operation]({ appInstanceId: id });

async function checkCell(client: Client, { id, operation, cell }: { id: string; operation: Operation; cell: Cell }) {
  if (cell.answer === 'done' || cell.answer === 'already') {
    const answer = await call(client, operation, id);
    if (operation !== 'run') assert.deepEqual(answer, { already: cell.answer === 'already' });
    return;
  }
  const { details, message, next } = await refusal(call(client, operation, id), cell.answer, new RegExp(id));
  const named = cell.in ?? cell.then;
  assert.equal(details?.['state'], named);
  assert.match(message, new RegExp(named));
  if (cell.answer === 'ILLEGAL_STATE') {
    assert.deepEqual(details?.['allowed'], allowedIn(named));
    for (const allowed of allowedIn(named)) assert.match(next ?? '', new RegExp(allowed));
  }
}

for (const [state, { reach, later, cells }] of Object.entries(CASES)) {
  test(`each operation in the state ${state}`, async (t) => {
    await using tools = await troubledTools();
    await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
    const place = { client: daemon.client, tools };
    await Promise.all(
      OPERATIONS.map((operation) =>
        t.test(`${operation}: ${cells[operation].answer}`, async () => {
          const id = uniqueId(`${state}-${operation}`);
          const cell = cells[operation];
          await reach(place, id);
          assert.equal(await stateOf(place.client, id), state);
          const checked = checkCell(place.client, { id, operation, cell });
          // a refused run and a kill do not wait for the state to pass
          if (operation === 'run' || operation === 'kill') await checked;
          if (operation === 'run' && cell.answer !== 'done') assert.equal(await stateOf(place.client, id), cell.then);
          await later?.(place, id);
          await checked;
          if (operation !== 'run') assert.equal(await stateOf(place.client, id), cell.then);
        }),
      ),
    );
  });
}

test('a kill overtakes a slow start: the start is given up, undone, and told as such', async () => {
  await using tools = await troubledTools();
  await using daemon = await startDaemon({ tools: tools.directory, config: { runtime: 'runc' } });
  const { client } = daemon;
  const id = uniqueId('slow');
  await tools.hang('create', id);
  const run = refusal(client.run(hostApp(id, SLEEP)), 'ABORTED', /kill/);
  await tools.hangs('create', id);
  await client.kill({ appInstanceId: id });
  await run;
  assert.deepEqual(inWords(await eventsOf(client, id)), [
    'TERMINATED>STARTING',
    'failure',
    'STARTING>TERMINATED',
    'terminated',
  ]);
  await tools.release('create', id);
  await client.run(hostApp(id, SLEEP));
  assert.equal(await stateOf(client, id), 'RUNNING');
});

test('a kill ends the grace period of a terminate', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'impatient', DEAF, { terminateGraceMs: 600_000 });
  await untilSays(client, id, 'ready');
  const terminate = client.terminate({ appInstanceId: id });
  await untilState(client, id, 'TERMINATING');
  await Promise.all([client.kill({ appInstanceId: id }), terminate]);
  assert.equal((await exitOf(client, id)).cause, 'killed');
});

test('an operation on an instance that does not exist names it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  for (const operation of ['suspend', 'resume', 'terminate', 'kill', 'getInfo', 'getLogs'] as const) {
    const { next } = await refusal(client[operation]({ appInstanceId: 'nobody' }), 'NOT_FOUND', /nobody/);
    assert.match(next ?? '', /ps/);
  }
});
