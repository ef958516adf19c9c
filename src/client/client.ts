/** The typed client over any WebSocket. Imports nothing of Node, so it works in a browser too. */
import type { MethodInput, MethodName, MethodResults } from '../domain/api.ts';
import { followEvents } from './events.ts';
import type { EventGap, EventsOptions } from './events.ts';
import { openExec } from './exec.ts';
import type { ExecOptions, ExecParams, RunningExec } from './exec.ts';
import { openLink } from './link.ts';
import type { Link, LinkOptions } from './link.ts';
import { READERS, timeoutOf } from './protocol.ts';
import type { CallOptions } from './protocol.ts';
import type { AppEvent } from '../domain/events.ts';

/** Parameters may be left out where the method needs none. */
type Arguments<Name extends MethodName> =
  undefined extends MethodInput<Name>
    ? [params?: MethodInput<Name>, options?: CallOptions]
    : [params: MethodInput<Name>, options?: CallOptions];

type Calls = {
  readonly [Name in MethodName]: (...args: Arguments<Name>) => Promise<MethodResults[Name]>;
};

/** Each method throws RuntimeError: the daemon's own, or UNREACHABLE, TIMED_OUT, ABORTED. */
export type Client = Calls & {
  /** Each durable event after `since` exactly once, also over restarts of the daemon; ends with `signal` or `close`. */
  readonly events: (options?: EventsOptions) => AsyncGenerator<AppEvent | EventGap, void, undefined>;
  /** Runs a program in an app with live streams; it is killed when the connection is lost. */
  readonly openExec: (params: ExecParams, options: ExecOptions) => Promise<RunningExec>;
  /** Calls under way throw UNREACHABLE, iterations of events end. */
  readonly close: () => void;
} & Disposable;

export type ClientOptions = LinkOptions & {
  /** For calls that do not bring their own; a time that fits the method when absent. */
  readonly timeoutMs?: number | undefined;
};

/** Throws UNREACHABLE. When the connection is lost later, the next call opens a new one. */
export async function connectOver(options: ClientOptions): Promise<Client> {
  const closed = new AbortController();
  let current: Promise<Link> = openLink(options);
  await current;

  async function link(): Promise<Link> {
    const known = await current.catch(() => undefined);
    if (known?.isLost() === false) return known;
    if (closed.signal.aborted) throw options.unreachable('the client was closed');
    current = openLink(options);
    return current;
  }

  async function call<Name extends MethodName>(
    name: Name,
    params: unknown,
    { signal, timeoutMs = options.timeoutMs ?? timeoutOf(name) }: CallOptions = {},
  ): Promise<MethodResults[Name]> {
    const wire = await (await link()).call(name, params, { signal, timeoutMs });
    return READERS[name](wire);
  }

  const names = Object.keys(READERS) as MethodName[];
  const calls = Object.fromEntries(
    names.map((name) => [name, (params?: unknown, wait?: CallOptions) => call(name, params, wait)]),
  ) as unknown as Calls;
  const close = (): void => {
    closed.abort();
    void current.then((open) => open.close()).catch(() => undefined);
  };
  return {
    ...calls,
    events: ({ signal, ...rest } = {}) => {
      const ending = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]);
      return followEvents(link, { ...rest, signal: ending });
    },
    openExec: async (params, execOptions) => openExec(await link(), params, execOptions),
    close,
    [Symbol.dispose]: close,
  };
}
