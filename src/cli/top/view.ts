/** The picture of `top`, and what each key makes of it. Pure. */
import type { Operation } from '../../domain/states.ts';
import { table } from '../table.ts';
import { cellsOf, HEAD, sorted, SORTS, totals, type Row, type Sort } from './sample.ts';

export type View = {
  readonly rows: readonly Row[];
  readonly sort: Sort;
  /** Instance that the keys of operations are for. */
  readonly selected: string | undefined;
  /** Waits for a `y`. */
  readonly asking: Deed | undefined;
  /** What came of the last key, or why nothing is shown. */
  readonly message: string;
};

export type Deed = { readonly operation: Exclude<Operation, 'run'>; readonly id: string };

export type Answer = { readonly view: View; readonly deed?: Deed; readonly quit?: true };

export const FIRST: View = { rows: [], sort: 'cpu', selected: undefined, asking: undefined, message: '' };

const DEEDS: Readonly<Record<string, Deed['operation']>> = {
  s: 'suspend',
  r: 'resume',
  h: 'hibernate',
  w: 'wake',
  t: 'terminate',
  k: 'kill',
};
/** What cannot be taken back. */
const ENDS: ReadonlySet<string> = new Set(['terminate', 'kill']);

const SORT_KEYS: Readonly<Record<string, Sort>> = { C: 'cpu', M: 'memory', N: 'name', S: 'state', A: 'age' };

const ESCAPE = '\x1b';
const UP: ReadonlySet<string> = new Set(['\x1b[A', '\x1bOA']);
const DOWN: ReadonlySet<string> = new Set(['\x1b[B', '\x1bOB', '\t']);
const QUIT: ReadonlySet<string> = new Set(['q', '\x03', '\x04']);

const KEY = new RegExp(`${ESCAPE}[[O][A-D]|[^]`, 'g');

/** Input of a terminal in raw mode as keys: one character, or one sequence of an arrow. */
export const keysIn = (input: string): readonly string[] => input.match(KEY) ?? [];

export function press(view: View, key: string): Answer {
  if (QUIT.has(key)) return { view, quit: true };
  if (view.asking !== undefined) {
    const deed = view.asking;
    const rest = { ...view, asking: undefined };
    return key === 'y' ? { view: begun(rest, deed), deed } : { view: { ...rest, message: 'not done' } };
  }
  if (UP.has(key)) return { view: moved(view, -1) };
  if (DOWN.has(key)) return { view: moved(view, 1) };
  const sort = SORT_KEYS[key];
  if (sort !== undefined) return { view: { ...view, sort, message: '' } };
  const operation = DEEDS[key];
  return operation === undefined ? { view } : ask(view, operation);
}

function ask(view: View, operation: Deed['operation']): Answer {
  const row = selectedRow(view);
  if (row === undefined) return { view: { ...view, message: 'no app is chosen' } };
  const { appInstanceId: id, allowed, state } = row.info;
  if (!allowed.includes(operation)) {
    return {
      view: { ...view, message: `${operation} is not possible: ${id} is ${state}; possible: ${allowed.join(', ')}` },
    };
  }
  const deed = { operation, id };
  if (ENDS.has(operation)) return { view: { ...view, asking: deed, message: `${operation} ${id}? y/n` } };
  return { view: begun(view, deed), deed };
}

const begun = (view: View, { operation, id }: Deed): View => ({ ...view, message: `${operation} ${id} …` });

const orderOf = (view: View): readonly Row[] => sorted(view.rows, view.sort);

/** The chosen one; the first one when it has gone. */
function selectedRow(view: View): Row | undefined {
  const order = orderOf(view);
  return order.find(({ info }) => info.appInstanceId === view.selected) ?? order[0];
}

function moved(view: View, by: 1 | -1): View {
  const order = orderOf(view);
  const at = order.findIndex((row) => row === selectedRow(view));
  const next = order[Math.min(order.length - 1, Math.max(0, at + by))];
  return { ...view, selected: next?.info.appInstanceId, message: '' };
}

const HELP = 'arrows choose · s suspend r resume h hibernate w wake t terminate k kill · sort: C M N S A · q quit';

type Paper = {
  readonly columns: number;
  readonly lines: number;
  readonly nowMs: number;
  /** For the chosen row. */
  readonly mark: (text: string) => string;
};

/** As many lines as fit, none longer than the terminal is wide: a line that wraps would push the head away. */
export function draw(view: View, { columns, lines, nowMs, mark }: Paper): readonly string[] {
  const order = orderOf(view);
  const chosen = Math.max(
    0,
    order.findIndex((row) => row === selectedRow(view)),
  );
  const room = Math.max(1, lines - 4);
  const from = Math.max(0, Math.min(chosen - Math.floor(room / 2), order.length - room));
  const [head = '', ...rows] = tableOf(order.slice(from, from + room), nowMs).split('\n');
  const cut = (text: string): string => text.slice(0, columns);
  const marked = rows.map((text, index) => (from + index === chosen ? mark(cut(text).padEnd(columns)) : cut(text)));
  const shown = `sorted by ${view.sort}${order.length > room ? `, ${from + 1} to ${from + marked.length}` : ''}`;
  return [cut(`${totals(order)}; ${shown}`), cut(head), ...marked, cut(view.message), cut(HELP)].slice(0, lines);
}

/** For who cannot see it live. */
export const tableOf = (rows: readonly Row[], nowMs: number): string =>
  table(
    HEAD,
    rows.map((row) => cellsOf(row, nowMs)),
  );

export const isSort = (text: string): text is Sort => (SORTS as readonly string[]).includes(text);
