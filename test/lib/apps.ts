/** Apps for tests, and what tests ask about them. Programs that every Debian has: sh and perl-base. */
import type { AppEvent, AppInput, Client, MethodInput } from '../../src/client/node.ts';
import type { State } from '../../src/domain/states.ts';
import { until } from './until.ts';

let made = 0;

/** An id that no other test uses. */
export const uniqueId = (name: string): string => `${name}-${process.pid}-${++made}`;

type Extra = Partial<AppInput> & Pick<MethodInput<'run'>, 'appId' | 'userId'> extends infer Both
  ? Partial<Both>
  : never;

/** Parameters of `run` for a command on the host's own files; the app has the instance's id. */
export function hostApp(appInstanceId: string, args: readonly string[], extra: Extra = {}): MethodInput<'run'> {
  const { appId = appInstanceId, userId, ...app } = extra;
  return {
    appId,
    appInstanceId,
    ...(userId !== undefined && { userId }),
    app: { rootfs: { host: true }, args: [...args], ...app },
  };
}

export const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script];
export const perl = (script: string): readonly string[] => ['/usr/bin/perl', '-e', script];
/** Ends at once on SIGTERM, as sleep has no handler and tini hands the signal on. */
export const SLEEP: readonly string[] = ['/bin/sleep', '1000'];
/** Hears no SIGTERM. Says `ready` when it is deaf. */
export const DEAF = perl('$SIG{TERM} = "IGNORE"; $| = 1; print "ready\\n"; sleep 1 while 1');

type NewApp = readonly [name: string, args: readonly string[], extra?: Extra];

/** Its instance id, made from the name. */
export async function runApp(client: Client, ...[name, args, extra]: NewApp): Promise<string> {
  const { appInstanceId } = await client.run(hostApp(uniqueId(name), args, extra));
  return appInstanceId;
}

export async function eventsOf(client: Client, appInstanceId: string): Promise<readonly AppEvent[]> {
  return (await client.getEvents({ since: 0, limit: 10_000, appInstanceId })).events;
}

/** One word an event: `started`, `RUNNING>SUSPENDED`, `terminated`, `failure`. */
export const inWords = (events: readonly AppEvent[]): readonly string[] =>
  events.map((event) => (event.type === 'stateChanged' ? `${event.old}>${event.new}` : event.type));

export async function stateOf(client: Client, appInstanceId: string): Promise<State> {
  return (await client.getInfo({ appInstanceId })).state;
}

export async function pidOf(client: Client, appInstanceId: string): Promise<number> {
  const { pid } = await client.getInfo({ appInstanceId });
  if (pid === null) throw new Error(`${appInstanceId} has no process`);
  return pid;
}

export function untilState(client: Client, appInstanceId: string, state: State): Promise<true> {
  return until(async () => (await stateOf(client, appInstanceId)) === state, { what: `${appInstanceId} is ${state}` });
}

/** How it ended, as soon as it has. */
export async function exitOf(client: Client, appInstanceId: string) {
  return until(async () => (await client.getInfo({ appInstanceId })).exit, { what: `${appInstanceId} has ended` });
}

export async function outputOf(client: Client, appInstanceId: string): Promise<readonly string[]> {
  return (await client.getLogs({ appInstanceId, limit: 10_000 })).lines.map((line) => line.text);
}

export function untilSays(client: Client, appInstanceId: string, text: string): Promise<true> {
  return until(async () => (await outputOf(client, appInstanceId)).includes(text), {
    what: `${appInstanceId} says ${JSON.stringify(text)}`,
  });
}

const AGAIN_MS = 30_000;

/** How often its end was told. */
export const ends = async (client: Client, id: string): Promise<number> =>
  inWords(await eventsOf(client, id)).filter((word) => word === 'terminated').length;

export const causeOf = async (client: Client, id: string): Promise<string> => (await exitOf(client, id)).cause;

/** Everything of it was given back, so that it can be run again. */
export const runAgain = (client: Client, id: string): Promise<unknown> =>
  until(() => client.run(hostApp(id, SLEEP)), { what: `${id} runs again`, timeoutMs: AGAIN_MS, pollMs: 100 });
