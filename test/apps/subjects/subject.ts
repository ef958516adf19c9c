/** A real app as the tests and the table of docs/hibernation.md know it. */
import type { AppInput, Client } from '../../../src/client/node.ts';
import { httpGet } from '../../lib/packages.ts';

/** Where it is prepared: a directory that others may enter, gone when the test ends. */
export type Place = { readonly directory: string; readonly firstUid: number };

/** A running app, to be asked. */
export type Live = {
  readonly client: Client;
  readonly id: string;
  /** On the host, now: another one after each wake. */
  readonly pid: () => Promise<number>;
  /** Its /data on the host. */
  readonly storage: string;
};

export type Subject = {
  /** One word, for an id. */
  readonly name: string;
  /** For people. */
  readonly what: string;
  /** At least this much memory is its own, in MiB: what its image must hold. */
  readonly ownMiB: number;
  readonly app: (place: Place) => Promise<AppInput>;
  /** Throws until it can be asked. Its first answer may change it: this is where it is filled. */
  readonly fill: (live: Live) => Promise<unknown>;
  /** What must be the same before and after, compared as a whole. Asking may not change it. */
  readonly state: (live: Live) => Promise<unknown>;
  /** Lets it do something new, and throws unless it does that rightly. `round` counts from 1. */
  readonly work: (live: Live, round: number) => Promise<void>;
};

export const PORT = 8000;

/** The answer of one of the programs that answer over HTTP. */
export async function ask<Answer>(live: Live, path: string): Promise<Answer> {
  return JSON.parse(await httpGet(await live.pid(), PORT, path)) as Answer;
}

/** Whether this finds it ready, without asking twice. */
export const answersAt =
  (path: string) =>
  (live: Live): Promise<unknown> =>
    ask(live, path);
