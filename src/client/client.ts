/** The typed client over any WebSocket. Imports nothing of Node, so it works in a browser too. */
import type { MethodInput, MethodName, MethodResults } from '../domain/api.ts';
import { bounded } from './bounded.ts';
import { followEvents, lastEvent } from './events.ts';
import type { EventItem, EventsOptions } from './events.ts';
import { openExec } from './exec.ts';
import type { ExecOptions, ExecParams, RunningExec } from './exec.ts';
import { openLink } from './link.ts';
import type { Link, LinkOptions } from './link.ts';
import { clientListeners } from './listeners.ts';
import type { ClientEvents } from './listeners.ts';
import { READERS, timeoutOf } from './protocol.ts';
import type { CallOptions } from './protocol.ts';

/** Parameters may be left out where the method needs none. */
type Arguments<Name extends MethodName> =
  undefined extends MethodInput<Name>
    ? [params?: MethodInput<Name>, options?: CallOptions]
    : [params: MethodInput<Name>, options?: CallOptions];

type Calls = {
  readonly [Name in MethodName]: (...args: Arguments<Name>) => Promise<MethodResults[Name]>;
};

/** Each method throws RuntimeError: the daemon's own, or UNREACHABLE, PERMISSION_DENIED, TIMED_OUT, ABORTED. */
export type Client = Calls & {
  /** Each durable event after `since` exactly once, also over restarts of the daemon; ends with `signal` or `close`. */
  readonly events: (options?: EventsOptions) => AsyncGenerator<EventItem, void, undefined>;
  /** Calls back for what happens from now on, as `events` does; returns how to stop that. */
  readonly on: <Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ) => () => void;
  /** Runs a program in an app with live streams; it is killed when the connection is lost. */
  readonly openExec: (params: ExecParams, options: ExecOptions) => Promise<RunningExec>;
  /** Calls under way throw UNREACHABLE, iterations of events end, listeners hear no more. */
  readonly close: () => void;
} & Disposable;

export type WaitOptions = {
  /** For calls that do not bring their own; a time that fits the method when absent. */
  readonly timeoutMs?: number | undefined;
  /** For each connection, the first and those after a loss; 10 s when absent. */
  readonly connectTimeoutMs?: number | undefined;
  /** Gives up the first connection; has no meaning after it. */
  readonly signal?: AbortSignal | undefined;
};

export type ClientOptions = LinkOptions & WaitOptions;

/** Throws UNREACHABLE, PERMISSION_DENIED or ABORTED. When the connection is lost later, the next call opens a new one. */
export async function connectOver({ signal, timeoutMs: ownTimeoutMs, ...options }: ClientOptions): Promise<Client> {
  const closed = new AbortController();
  let current: Promise<Link> = openLink(options, signal);

  /** One for all who want one at the same time. */
  async function link(): Promise<Link> {
    const before = current;
    const known = await before.catch(() => undefined);
    if (known?.isLost() === false) return known;
    if (closed.signal.aborted) throw options.unreachable('the client was closed');
    if (current === before) {
      current = openLink(options, closed.signal);
      current.then(
        (open) => {
          listeners.tell('back', undefined);
          watch(open);
        },
        () => undefined,
      );
    }
    return current;
  }

  function watch(open: Link): void {
    open.onLost((error) => {
      if (!closed.signal.aborted) listeners.tell('lost', error);
    });
  }

  const events = ({ signal: ending, ...rest }: EventsOptions = {}) => {
    const ends = ending === undefined ? closed.signal : AbortSignal.any([ending, closed.signal]);
    return followEvents(link, { ...rest, signal: ends });
  };
  const listeners = clientListeners({ begin: async () => lastEvent(await link()), follow: events });
  watch(await current);

  async function call<Name extends MethodName>(name: Name, params: unknown, options: CallOptions = {}) {
    const { signal: ending, timeoutMs = ownTimeoutMs ?? timeoutOf(name) } = options;
    const wire = await bounded(name, { signal: ending, timeoutMs }, async (ends) => {
      await listeners.ready();
      return (await link()).ask(name, params, ends);
    });
    return READERS[name](wire);
  }

  const names = Object.keys(READERS) as MethodName[];
  const calls = Object.fromEntries(
    names.map((name) => [name, (params?: unknown, wait?: CallOptions) => call(name, params, wait)]),
  ) as unknown as Calls;
  const close = (): void => {
    closed.abort();
    listeners.close();
    void current.then((open) => open.close()).catch(() => undefined);
  };
  const exec = async (params: ExecParams, how: ExecOptions) => openExec(await link(), params, how);
  return { ...calls, events, on: listeners.on, openExec: exec, close, [Symbol.dispose]: close };
}
