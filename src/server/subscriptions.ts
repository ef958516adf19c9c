/**
 * Who hears of which event. A subscriber that does not read is dropped, so that it holds up no one and fills no memory;
 * it comes back with the number of its last event and misses nothing.
 */
import * as z from 'zod';
import { RuntimeError, type ErrorCode } from '../domain/errors.ts';
import type { AppEvent, Origin } from '../domain/events.ts';
import { wireState } from '../domain/states.ts';
import { CALLSIGN, CONTROLLER } from '../domain/wire.ts';
import type { EventName } from '../domain/wire.ts';
import { HeldEvents, type Cause } from './held-events.ts';
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
  /** This message asks for the end of an instance: {@link HeldEvents.expectEnd}. */
  readonly expectEnd: (origin: Origin, appInstanceId: string) => void;
};

export type Subscriber = {
  readonly send: (text: string) => void;
  /** Bytes given to `send` that the other end has not taken yet. */
  readonly bufferedBytes: () => number;
  readonly drop: (why: string) => void;
};

type Membership = Subscriptions & {
  readonly answers: Pick<HeldEvents<unknown>, 'expect' | 'answered'>;
  /** It is registered for anything. */
  readonly listens: () => boolean;
  readonly leave: () => void;
};

/** Sends every event to those who asked for it. */
export type Hub = {
  readonly join: (subscriber: Subscriber) => Membership;
  /** `origin`: whoever sent that message hears upstream's forms of it after the answer. */
  readonly publish: (event: AppEvent, origin?: Origin) => void;
  /** Sends at once what waits for answers. */
  readonly flush: () => void;
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
  // to its callers the app is gone then. Source: LifecycleManagerImplementation.cpp, notifyOnFailure: UNLOADED, whatever it was
  onFailure: (event) =>
    event.type === 'failure' && event.ended
      ? { ...subject(event), error: FAILURES[event.error.code] ?? event.error.code }
      : undefined,
  onStateChanged: (event) =>
    event.type === 'stateChanged' ? { ...subject(event), state: wireState(event.new) } : undefined,
  onEvent: (event) => event,
};
const EVENT_NAMES = Object.keys(FORMS) as EventName[];

const subject = ({ appInstanceId }: AppEvent) => ({ appInstanceId });

/** Who tells, of what, and each form of it as JSON. */
type News = {
  readonly callsign: string;
  readonly index: string;
  readonly params: ReadonlyMap<string, string>;
  /** Absent: it goes out at once. */
  readonly cause?: Cause;
};

/** Upstream's words for failures that it knows; ours where it has none. Source: facts/thunder.md §4.2. */
const FAILURES: Readonly<Partial<Record<ErrorCode, string>>> = { DISPLAY_FAILED: 'ERROR_CREATE_DISPLAY' };

type Member = Subscriber & {
  readonly registrations: Map<string, Registration>;
  readonly held: HeldEvents<Message>;
};
/** What one registration is told. */
type Message = { readonly registration: Registration; readonly text: string };

type HubOptions = {
  readonly maxBufferedBytes: number;
  /** Told at once to who registers for `statechange`. */
  readonly catchUp?: StateChange | undefined;
};

export function eventHub({ maxBufferedBytes, catchUp }: HubOptions): Hub {
  const members = new Set<Member>();
  let dropped = 0;

  function deliver(member: Member, messages: readonly Message[]): void {
    for (const { registration, text } of messages) {
      // it may have been withdrawn while the event was held
      if (member.registrations.get(keyOf(registration)) === registration) member.send(text);
    }
    if (!members.has(member) || member.bufferedBytes() <= maxBufferedBytes) return;
    forget(member);
    dropped++;
    member.drop(`does not read its events: more than ${maxBufferedBytes} bytes wait for it`);
  }

  function forget(member: Member): void {
    members.delete(member);
    member.held[Symbol.dispose]();
  }

  function tell(news: News): void {
    for (const member of members) {
      const messages = messagesFor(member, news);
      const { cause } = news;
      const later = cause === undefined ? [] : messages.filter((one) => !isNumbered(one));
      const now = later.length === 0 ? messages : messages.filter(isNumbered);
      if (now.length > 0) deliver(member, now);
      if (cause !== undefined && later.length > 0) member.held.take(cause, later);
    }
  }

  return {
    publish: (event, origin) => tell(newsOf(event, origin)),
    flush: () => {
      for (const { held } of members) held.flush();
    },
    stateChange: (change) => {
      const params = new Map([[STATE_CHANGE, JSON.stringify(change)]]);
      tell({ callsign: CONTROLLER, index: change.callsign, params });
    },
    observers: () => [...members].filter(({ registrations }) => registrations.size > 0).length,
    dropped: () => dropped,
    join: (subscriber) => {
      const held = new HeldEvents<Message>((messages) => deliver(member, messages));
      const member: Member = { ...subscriber, registrations: new Map(), held };
      members.add(member);
      return {
        ...subscriptionsOf(member, catchUp),
        answers: held,
        leave: () => forget(member),
        listens: () => member.registrations.size > 0,
      };
    },
  };
}

const newsOf = (event: AppEvent, origin: Origin | undefined): News => ({
  callsign: CALLSIGN,
  index: event.appInstanceId,
  params: formsOf(event),
  cause: { instance: event.appInstanceId, origin, isEnd: isEnd(event) },
});

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

function messagesFor({ registrations }: Member, { callsign, index, params }: News): readonly Message[] {
  return [...registrations.values()].flatMap((registration) => {
    const text = params.get(registration.event);
    const isMeant = (registration.callsign ?? CALLSIGN) === callsign && (registration.index ?? index) === index;
    return text !== undefined && isMeant ? [{ registration, text: notification(registration, text) }] : [];
  });
}

const isEnd = (event: AppEvent): boolean =>
  event.type === 'terminated' || (event.type === 'stateChanged' && event.new === 'TERMINATED');

/** Whoever follows the numbers must not see a later one first. */
const isNumbered = ({ registration }: Message): boolean => registration.event === ('onEvent' satisfies EventName);

const keyOf = ({ event, id, index, callsign = CALLSIGN }: Registration): string =>
  JSON.stringify([callsign, event, id, index]);

function subscriptionsOf({ registrations, send, held }: Member, catchUp: StateChange | undefined): Subscriptions {
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
      const { callsign, event, index } = registration;
      const isMeant = callsign === CONTROLLER && event === STATE_CHANGE && (index ?? CALLSIGN) === CALLSIGN;
      if (isMeant && catchUp !== undefined) send(notification(registration, JSON.stringify(catchUp)));
    },
    unregister: (registration) => {
      if (registrations.delete(keyOf(registration))) return;
      throw new SituationError('notRegistered', 'NOT_FOUND', {
        what: `${registration.event} is not registered for this id`,
      });
    },
    expectEnd: (origin, instance) => held.expectEnd(origin, instance),
  };
}
