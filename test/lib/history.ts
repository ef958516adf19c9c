/** A model of the event log: what must be true of it whatever has happened. */
import assert from 'node:assert/strict';
import type { AppEvent, Client } from '../../src/client/node.ts';
import type { ExitRecord } from '../../src/domain/exit.ts';
import { GIVE_UP, MOVES, STATES, type State } from '../../src/domain/states.ts';

export type Run = { readonly pid: number | null; readonly exit: ExitRecord | null };

/** Where a state leads back to when its operation fails, and that an app whose pages were lost sleeps again. */
const FALLS: Readonly<Partial<Record<State, readonly State[]>>> = {
  HIBERNATING: ['RUNNING', 'SUSPENDED'],
  WAKING: ['HIBERNATED', 'SUSPENDED'],
  RUNNING: ['HIBERNATED'],
  SUSPENDED: ['HIBERNATED'],
};

/** From each state, where it may lead: by an operation at work, by one that is done, by one that failed, and by the end of the app. */
const STEPS: ReadonlyMap<State, ReadonlySet<State>> = new Map(
  STATES.map((state) => {
    const moves = Object.values(state === 'HIBERNATING' ? { ...MOVES[state], ...GIVE_UP } : MOVES[state]);
    const next = moves.map(({ via, to }) => via ?? to);
    const arrivals = STATES.flatMap((from) => Object.values(MOVES[from]))
      .filter(({ via }) => via === state)
      .map(({ to }) => to);
    const end: readonly State[] = state === 'TERMINATED' ? [] : ['TERMINATED'];
    return [state, new Set([...next, ...arrivals, ...(FALLS[state] ?? []), ...end])];
  }),
);

export const mayLead = (from: State, to: State): boolean => STEPS.get(from)?.has(to) ?? false;

/** The runs of one instance: begun, perhaps started, perhaps ended. */
export function runsOf(events: readonly AppEvent[], appInstanceId: string): readonly Run[] {
  const runs: { pid: number | null; exit: ExitRecord | null }[] = [];
  for (const event of events.filter((one) => one.appInstanceId === appInstanceId)) {
    if (event.type === 'stateChanged' && event.new === 'STARTING') runs.push({ pid: null, exit: null });
    const run = runs.at(-1);
    if (event.type === 'started' && run !== undefined) run.pid = event.pid;
    if (event.type === 'terminated' && run !== undefined) run.exit = event.exit;
  }
  return runs;
}

/** Numbers without holes, states by the table, and for each run one `started` at most and one `terminated`. */
export function checkHistory(events: readonly AppEvent[], { allEnded = true } = {}): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
  for (const id of new Set(events.map((event) => event.appInstanceId))) {
    checkInstance(
      events.filter((event) => event.appInstanceId === id),
      allEnded,
    );
  }
}

type Life = { state: State; starts: number; ends: number };

function checkInstance(events: readonly AppEvent[], allEnded: boolean): void {
  const life: Life = { state: 'TERMINATED', starts: 0, ends: 1 };
  for (const event of events) follow(life, event);
  if (allEnded) assert.equal(life.state, 'TERMINATED', `${events[0]?.appInstanceId ?? ''} has ended`);
  if (life.state === 'TERMINATED') assert.equal(life.ends, 1, 'the last run has an end');
}

function follow(life: Life, event: AppEvent): void {
  const place = `event ${event.seq}, ${JSON.stringify(event)}`;
  if (event.type === 'stateChanged') {
    assert.equal(event.old, life.state, `${place}: the state before it was ${life.state}`);
    assert(mayLead(event.old, event.new), `${place}: no move of the table`);
    if (event.new === 'STARTING') {
      assert.equal(life.ends, 1, `${place}: the run before it has one end`);
      Object.assign(life, { starts: 0, ends: 0 });
    }
    if (event.new === 'RUNNING' && event.old === 'STARTING') {
      assert.equal(life.starts, 1, `${place}: told as started first`);
    }
    life.state = event.new;
  } else if (event.type === 'started') {
    assert.equal(life.state, 'STARTING', place);
    assert.equal(++life.starts, 1, `${place}: started twice`);
  } else if (event.type === 'terminated') {
    assert.equal(life.state, 'TERMINATED', place);
    assert.equal(++life.ends, 1, `${place}: terminated twice`);
  }
}

/** All that the daemon has, page by page. */
export async function allEvents(client: Client): Promise<readonly AppEvent[]> {
  const events: AppEvent[] = [];
  for (let since = 0; ;) {
    const page = await client.getEvents({ since, limit: 10_000 });
    events.push(...page.events);
    since = page.events.at(-1)?.seq ?? page.lastSeq;
    if (since >= page.lastSeq) return events;
  }
}
