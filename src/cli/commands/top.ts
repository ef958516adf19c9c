import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { AppInfo } from '../../domain/info.ts';
import type { Command, Invocation } from '../command.ts';
import { isSet, textOf, wrong } from '../options.ts';
import { dataOf, rowsOf, sorted, SORTS, totals, type Look, type Sort } from '../top/sample.ts';
import { takeTerminal, type Terminal } from '../top/terminal.ts';
import { draw, FIRST, isSort, keysIn, press, tableOf, type Deed, type View } from '../top/view.ts';
import { durationOf } from '../values.ts';

const INTERVAL_MS = 2000;
const LEAST_MS = 200;
/** Between the two looks of `--once`. */
const ONCE_MS = 500;
/** Calls under way at once; a connection has more. */
const AT_ONCE = 64;

/** Live on a terminal that can show it, once anywhere else. */
export const top: Command = async (invocation) => {
  const { options, output, daemon, environment } = invocation;
  const sort = sortOf(textOf(options, 'sort'));
  const { connect } = await import('../../client/node.ts');
  using client = await connect(daemon);
  const isLive = output.isTerminal && process.stdin.isTTY && environment.TERM !== 'dumb';
  if (output.json || isSet(options, 'once') || !isLive) return await once(invocation, client, sort);
  const interval = textOf(options, 'interval');
  const intervalMs = Math.max(LEAST_MS, interval === undefined ? INTERVAL_MS : durationOf('--interval', interval));
  using screen = takeTerminal(process);
  return await live({ invocation, client, terminal: screen, intervalMs }, { ...FIRST, sort });
};

function sortOf(text: string | undefined): Sort {
  if (text === undefined) return 'cpu';
  if (isSort(text)) return text;
  throw wrong('--sort', text, SORTS.join(', '));
}

async function once({ output }: Invocation, client: Client, sort: Sort): Promise<number> {
  const before = await look(client);
  if (before.apps.length > 0) await sleep(ONCE_MS);
  const rows = sorted(rowsOf(before, await look(client)), sort);
  if (output.json) output.data(rows.map(dataOf));
  else {
    output.line(totals(rows));
    if (rows.length > 0) output.line(tableOf(rows, Date.now()));
  }
  return 0;
}

async function look(client: Client): Promise<Look> {
  const known = await client.list({});
  const atMs = performance.now();
  const apps: AppInfo[] = [];
  for (let from = 0; from < known.length; from += AT_ONCE) {
    const some = known.slice(from, from + AT_ONCE).map(({ appInstanceId }) => client.getInfo({ appInstanceId }));
    for (const outcome of await Promise.allSettled(some)) {
      // gone meanwhile
      if (outcome.status === 'fulfilled') apps.push(outcome.value);
    }
  }
  return { atMs, apps };
}

type Stage = {
  readonly invocation: Invocation;
  readonly client: Client;
  readonly terminal: Terminal;
  readonly intervalMs: number;
};

async function live({ invocation, client, terminal, intervalMs }: Stage, first: View): Promise<number> {
  const ended = new AbortController();
  let view = first;
  const mark = (text: string): string => invocation.output.style('inverse', text);
  const show = (next: View): void => {
    view = next;
    if (ended.signal.aborted) return;
    const paper = { columns: terminal.columns(), lines: terminal.lines(), nowMs: Date.now(), mark };
    terminal.show(draw(view, paper));
  };
  terminal.onResize(() => show(view));
  terminal.onInput((text) => {
    for (const key of keysIn(text)) {
      const { view: next, deed, quit } = press(view, key);
      if (quit) ended.abort();
      show(next);
      if (deed !== undefined) void carryOut(client, deed).then((message) => show({ ...view, message }));
    }
  });
  let before: Look | undefined;
  while (!ended.signal.aborted) {
    const now = await look(client).catch((error: unknown) => RuntimeError.of(error));
    // the daemon may be at its restart: the client finds it again
    if (now instanceof RuntimeError) show({ ...view, message: now.message });
    else {
      show({ ...view, rows: rowsOf(before, now) });
      before = now;
    }
    await sleep(before?.apps.length === 0 ? LEAST_MS : intervalMs, undefined, { signal: ended.signal }).catch(
      () => undefined,
    );
  }
  return 0;
}

async function carryOut(client: Client, { operation, id }: Deed): Promise<string> {
  try {
    const { already } = await client[operation]({ appInstanceId: id });
    return `${operation} ${id}: ${already ? 'was so already' : 'done'}`;
  } catch (thrown) {
    const { message, next } = RuntimeError.of(thrown);
    return next === undefined ? message : `${message}; ${next}`;
  }
}
