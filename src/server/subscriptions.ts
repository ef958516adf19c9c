/**
 * Who hears of which event. A subscriber that does not read is dropped, so that it holds up no one and fills no memory;
 * it comes back with the number of its last event and misses nothing.
 */
import * as z from 'zod';
import { RuntimeError, type ErrorCode } from '../domain/errors.ts';
import type { AppEvent } from '../domain/events.ts';
import { wireState } from '../domain/states.ts';
import { CALLSIGN, CONTROLLER } from '../domain/wire.ts';
import type { EventName } from '../domain/wire.ts';
import { SituationError } from './profile.ts';
import { readParams } from './validation.ts';

/** The client's id is opaque text and may contain dots; Ripple's are numbers (facts/thunder.md §1.7). */
const registrationSchema = z.object({
  event: z.string().min(1).max(256),
  id: z.union([z.string().max(256), z.int()], { error: 'must be text or a number' }).transform(String),
});
export type Registration = z.infer<typeof registrationSchema> & {
  /** Whose event; ours when absent. */
  readonly callsign?: string | undefined;
  /** R5's `register@index`: only events of this instance (of this callsign, for the Controller's), with the index in their name. */
  readonly index?: string | undefined;
};

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
  /** `listens`: it is registered for anything. */
  readonly join: (
    subscriber: Subscriber,
  ) => Subscriptions & { readonly leave: () => void; readonly listens: () => boolean };
  readonly publish: (event: AppEvent) => void;
  /** Of the Controller: a plugin has come or goes. */
  readonly stateChange: (params: StateChange) => void;
  /** Connections that are registered for anything. */
  readonly observers: () => number;
  /** How many were dropped because they did not read. */
  readonly dropped: () => number;
};

/** Thunder's spelling of its `statechange` event: PascalCase, whatever `status` says. */
export type StateChange = {
  readonly callsign: string;
  readonly state: 'Activated' | 'Deactivated';
  readonly reason: 'Startup' | 'Shutdown';
};

export const STATE_CHANGE = 'statechange';

const MAX_REGISTRATIONS = 256;

/** Forms of an event on the wire; `undefined`: not this kind of event. Upstream's forms: facts/thunder.md §4.1. */
const FORMS: Readonly<Record<EventName, (event: AppEvent) => object | undefined>> = {
  onStarted: (event) => (event.type === 'started' ? subject(event) : undefined),
  onTerminated: (event) =>
    event.type === 'terminated'
      ? { ...subject(event), ...(event.exit.code !== null && { exitCode: event.exit.code }) }
      : undefined,
  onFailure: (event) =>
    event.type === 'failure' ? { ...subject(event), error: FAILURES[event.error.code] ?? event.error.code } : undefined,
  onStateChanged: (event) =>
    event.type === 'stateChanged' ? { ...subject(event), state: wireState(event.new) } : undefined,
  onEvent: (event) => event,
};
const EVENT_NAMES = Object.keys(FORMS) as EventName[];

const subject = ({ appInstanceId }: AppEvent) => ({ appInstanceId });

/** Who tells, of what, and each form of it as JSON. */
type News = { readonly callsign: string; readonly index: string; readonly params: ReadonlyMap<string, string> };

/** Upstream's words for failures that it knows; ours where it has none. Source: facts/thunder.md §4.2. */
const FAILURES: Readonly<Partial<Record<ErrorCode, string>>> = { DISPLAY_FAILED: 'ERROR_CREATE_DISPLAY' };

type Member = Subscriber & { readonly registrations: Map<string, Registration> };

type HubOptions = {
  readonly maxBufferedBytes: number;
  /** Told at once to who registers for `statechange`. */
  readonly catchUp?: StateChange | undefined;
};

export function eventHub({ maxBufferedBytes, catchUp }: HubOptions): Hub {
  const members = new Set<Member>();
  let dropped = 0;

  function deliver(member: Member, messages: readonly string[]): void {
    for (const message of messages) member.send(message);
    if (member.bufferedBytes() <= maxBufferedBytes) return;
    members.delete(member);
    dropped++;
    member.drop(`does not read its events: more than ${maxBufferedBytes} bytes wait for it`);
  }

  function tell(news: News): void {
    for (const member of members) {
      const messages = messagesFor(member, news);
      if (messages.length > 0) deliver(member, messages);
    }
  }

  return {
    publish: (event) => tell({ callsign: CALLSIGN, index: event.appInstanceId, params: formsOf(event) }),
    stateChange: (change) =>
      tell({
        callsign: CONTROLLER,
        index: change.callsign,
        params: new Map([[STATE_CHANGE, JSON.stringify(change)]]),
      }),
    observers: () => [...members].filter(({ registrations }) => registrations.size > 0).length,
    dropped: () => dropped,
    join: (subscriber) => {
      const member: Member = { ...subscriber, registrations: new Map() };
      members.add(member);
      const { register, unregister } = subscriptionsOf(member.registrations);
      return {
        register: (registration) => {
          register(registration);
          const { callsign, event, index } = registration;
          const isMeant = callsign === CONTROLLER && event === STATE_CHANGE && (index ?? CALLSIGN) === CALLSIGN;
          if (isMeant && catchUp !== undefined) {
            member.send(notification(registration, JSON.stringify(catchUp)));
          }
        },
        unregister,
        leave: () => members.delete(member),
        listens: () => member.registrations.size > 0,
      };
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

/** It must not have an `id`: ThunderJS drops those that have. */
function notification({ event, id, index }: Registration, params: string): string {
  const name = index === undefined ? `${id}.${event}` : `${id}.${event}@${index}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(name)},"params":${params}}`;
}

function messagesFor({ registrations }: Member, { callsign, index, params }: News): readonly string[] {
  return [...registrations.values()].flatMap((registration) => {
    const text = params.get(registration.event);
    const isMeant = (registration.callsign ?? CALLSIGN) === callsign && (registration.index ?? index) === index;
    return text !== undefined && isMeant ? [notification(registration, text)] : [];
  });
}

function subscriptionsOf(registrations: Map<string, Registration>): Subscriptions {
  const keyOf = ({ event, id, index, callsign = CALLSIGN }: Registration) =>
    JSON.stringify([callsign, event, id, index]);
  return {
    register: (registration) => {
      const key = keyOf(registration);
      if (registrations.has(key)) {
        throw new SituationError('registeredTwice', 'ALREADY_EXISTS', {
          what: `${registration.event} is registered for this id already`,
        });
      }
      if (registrations.size >= MAX_REGISTRATIONS) {
        throw new RuntimeError('BUSY', { what: `this connection has ${MAX_REGISTRATIONS} registrations already` });
      }
      registrations.set(key, registration);
    },
    unregister: (registration) => {
      if (registrations.delete(keyOf(registration))) return;
      throw new SituationError('notRegistered', 'NOT_FOUND', {
        what: `${registration.event} is not registered for this id`,
      });
    },
  };
}
