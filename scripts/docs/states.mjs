/** docs/states.md, from the table of moves. */
import { METHODS } from '../../src/domain/api.ts';
import { isAlreadySo, MOVES, OPERATIONS, STATES, wireState } from '../../src/domain/states.ts';
import { code, table } from './markdown.mjs';

/** @typedef {import('../../src/domain/states.ts').State} State */
/** @typedef {import('../../src/domain/states.ts').Operation} Operation */

/** @param {State} state @param {Operation} operation */
function cellOf(state, operation) {
  const move = MOVES[state][operation];
  if (isAlreadySo(state, operation)) return 'already so';
  if (move === undefined) return '–';
  return move.via === undefined || move.via === state ? move.to : `${move.via} → ${move.to}`;
}

/** Rows: the state an instance is in. Columns: what is asked of it. */
export const moves = () =>
  table(
    ['', ...OPERATIONS.map(code)],
    STATES.map((state) => [`**${state}**`, ...OPERATIONS.map((operation) => cellOf(state, operation))]),
  );

/** Arrows of the same way share a line. */
export function diagram() {
  /** @type {Map<string, Set<string>>} */
  const arrows = new Map();
  const draw = (/** @type {string} */ from, /** @type {string} */ to, /** @type {string} */ label) => {
    const key = `${from} --> ${to}`;
    arrows.set(key, (arrows.get(key) ?? new Set()).add(label));
  };
  // the life begins and ends with TERMINATED
  for (const from of new Set([/** @type {State} */ ('TERMINATED'), ...STATES])) {
    for (const operation of OPERATIONS) {
      const move = MOVES[from][operation];
      if (move === undefined) continue;
      const first = move.via ?? move.to;
      if (first !== from) draw(from, first, operation);
      if (move.via !== undefined) draw(move.via, move.to, 'done');
    }
  }
  const lines = [...arrows].map(([arrow, labels]) => `  ${arrow}: ${[...labels].join(', ')}`);
  return ['```mermaid', 'stateDiagram-v2', '  [*] --> TERMINATED', ...lines, '```'].join('\n');
}

/** Operations of the table that no method asks for. */
export function absentOperations() {
  const absent = OPERATIONS.filter((operation) => !Object.hasOwn(METHODS, operation));
  if (absent.length === 0) return 'Every operation of the table has a method.';
  return `**Not there yet:** the table already has ${absent.map(code).join(' and ')}, but no method asks for ${absent.length > 1 ? 'them' : 'it'}.`;
}

export const stateNames = () =>
  table(
    ['state', 'on the wire (`onStateChanged`)'],
    STATES.map((state) => [code(state), code(wireState(state))]),
  );
