/**
 * Who hears of which event. A subscriber that does not read is dropped, so that it holds up no one and fills no memory;
 * it comes back with the number of its last event and misses nothing.
 */
import * as z from 'zod';
import { RuntimeError } from '../domain/errors.ts';
import type { AppEvent } from '../domain/events.ts';
import { wireState } from '../domain/states.ts';
import type { EventName } from '../domain/wire.ts';
import { readParams } from './validation.ts';

/** The client's id is opaque text and may contain dots; Ripple's are numbers (facts/thunder.md §1.7). */
const registrationSchema = z.strictObject({
  event: z.string().min(1).max(256),
  id: z.union([z.string().max(256), z.int()], { error: 'must be text or a number' }).transform(String),
});
export type Registration = z.infer<typeof registrationSchema>;

/** Throws INVALID_ARGUMENT. */
export const readRegistration = (params: unknown, method: string): Registration =>
  readParams(registrationSchema, params, method);

/** One connection's registrations; they die with it. */
export type Subscriptions = {
  readonly register: (registration: Registration) => void;
  readonly unregister: (registration: Registration) => void;
};

export type Subscriber = {
  readonly send: (text: string) => void;
  /** Bytes given to `send` that the other end has not taken yet. */
  readonly bufferedBytes: () => number;
  readonly drop: (why: string) => void;
};

/** Sends every event to those who asked for it. */
export type Hub = {
  readonly join: (subscriber: Subscriber) => Subscriptions & { readonly leave: () => void };
  readonly publish: (event: AppEvent) => void;
};

const MAX_REGISTRATIONS = 256;

/** Forms of an event on the wire; `undefined`: not this kind of event. Upstream's forms: facts/thunder.md §4.1. */
const FORMS: Readonly<Record<EventName, (event: AppEvent) => object | undefined>> = {
  onStarted: (event) => (event.type === 'started' ? subject(event) : undefined),
  onTerminated: (event) =>
    event.type === 'terminated'
      ? { ...subject(event), ...(event.exit.code !== null && { exitCode: event.exit.code }) }
      : undefined,
  onFailure: (event) => (event.type === 'failure' ? { ...subject(event), error: event.error.code } : undefined),
  onStateChanged: (event) =>
    event.type === 'stateChanged' ? { ...subject(event), state: wireState(event.new) } : undefined,
  onEvent: (event) => event,
};
const EVENT_NAMES = Object.keys(FORMS) as EventName[];

const subject = ({ appInstanceId }: AppEvent) => ({ appInstanceId });

type Member = Subscriber & { readonly registrations: Map<string, Registration> };

export function eventHub({ maxBufferedBytes }: { readonly maxBufferedBytes: number }): Hub {
  const members = new Set<Member>();

  function deliver(member: Member, messages: readonly string[]): void {
    for (const message of messages) member.send(message);
    if (member.bufferedBytes() <= maxBufferedBytes) return;
    members.delete(member);
    member.drop(`does not read its events: more than ${maxBufferedBytes} bytes wait for it`);
  }

  return {
    publish: (event) => {
      const params = formsOf(event);
      for (const member of members) {
        const messages = messagesFor(member, params);
        if (messages.length > 0) deliver(member, messages);
      }
    },
    join: (subscriber) => {
      const member: Member = { ...subscriber, registrations: new Map() };
      members.add(member);
      return { ...subscriptionsOf(member.registrations), leave: () => members.delete(member) };
    },
  };
}

/** The text of each form this event has, made once for all who hear it. */
function formsOf(event: AppEvent): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const name of EVENT_NAMES) {
    const form = FORMS[name](event);
    if (form !== undefined) texts.set(name, JSON.stringify(form));
  }
  return texts;
}

/** A notification must not have an `id`: ThunderJS drops those that have. */
function messagesFor({ registrations }: Member, params: ReadonlyMap<string, string>): readonly string[] {
  return [...registrations.values()].flatMap(({ event, id }) => {
    const text = params.get(event);
    return text === undefined
      ? []
      : [`{"jsonrpc":"2.0","method":${JSON.stringify(`${id}.${event}`)},"params":${text}}`];
  });
}

function subscriptionsOf(registrations: Map<string, Registration>): Subscriptions {
  const keyOf = ({ event, id }: Registration) => JSON.stringify([event, id]);
  return {
    register: (registration) => {
      const key = keyOf(registration);
      if (registrations.has(key)) {
        throw new RuntimeError('ALREADY_EXISTS', { what: `${registration.event} is registered for this id already` });
      }
      if (registrations.size >= MAX_REGISTRATIONS) {
        throw new RuntimeError('BUSY', { what: `this connection has ${MAX_REGISTRATIONS} registrations already` });
      }
      registrations.set(key, registration);
    },
    unregister: (registration) => {
      if (registrations.delete(keyOf(registration))) return;
      throw new RuntimeError('NOT_FOUND', { what: `${registration.event} is not registered for this id` });
    },
  };
}
