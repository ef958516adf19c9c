/** What Thunder's clients ask its Controller before they call anybody else (facts/thunder.md §1.9). */
import * as z from 'zod';
import { VERSION } from '../domain/version.ts';
import { API_VERSION, CALLSIGN, CONTROLLER } from '../domain/wire.ts';
import { SituationError } from './profile.ts';
import type { Profile } from './profile.ts';

export type ControllerCall = {
  readonly params: unknown;
  /** After the `@` of the method's name. */
  readonly index: string | undefined;
  readonly profile: Profile;
  readonly observers: number;
};

type Row = { readonly isRead: boolean; readonly call: (call: ControllerCall) => unknown };

const ROWS: Readonly<Record<string, Row>> = {
  status: { isRead: true, call: status },
  // it is active as long as it answers: nothing to do
  activate: {
    isRead: true,
    call: ({ params }) => {
      pluginOf(params);
      return null;
    },
  },
  deactivate: { isRead: false, call: ({ params }) => refuseToEnd(pluginOf(params)) },
  version: { isRead: true, call: ({ profile }) => ({ hash: `runtime-manager ${VERSION}`, ...profile.thunder }) },
  subsystems: { isRead: true, call: () => [{ subsystem: 'Platform', active: true }] },
};

/** Undefined when the Controller has no such method. */
export const controllerRow = (method: string): Row | undefined =>
  Object.hasOwn(ROWS, method) ? ROWS[method] : undefined;

export const CONTROLLER_METHODS = Object.keys(ROWS);

const version = { major: API_VERSION, minor: 0, patch: 0 };

/** One entry as Thunder 4.4 writes it; R5 has the same members and more, and other letters in `state`. */
const entry = (callsign: string, { profile, observers }: ControllerCall) => ({
  callsign,
  locator: 'runtimemanagerd',
  classname: callsign.split('.').at(-1) ?? callsign,
  autostart: true,
  startmode: 'Activated',
  state: profile.activeState,
  observers,
  module: 'runtime-manager',
  ...version,
  version,
});

/** Always an array, also for one. */
function status(call: ControllerCall): unknown {
  const served = [CONTROLLER, CALLSIGN];
  if (call.index === undefined || call.index === '') return served.map((callsign) => entry(callsign, call));
  if (!served.includes(call.index)) throw unknownKey(call.index);
  return [entry(call.index, call)];
}

/** Thunder ignores members that it does not know. */
const pluginSchema = z.object({ callsign: z.string() });

function pluginOf(params: unknown): string {
  const { data } = pluginSchema.safeParse(params);
  if (data?.callsign === CALLSIGN) return data.callsign;
  if (data?.callsign === CONTROLLER) {
    throw new SituationError('notAllowed', 'PERMISSION_DENIED', {
      what: 'the Controller itself can be neither activated nor deactivated',
    });
  }
  throw unknownKey(data?.callsign);
}

function refuseToEnd(callsign: string): never {
  throw new SituationError('notAllowed', 'PERMISSION_DENIED', {
    what: `${callsign} cannot be deactivated by a client: this daemon serves nothing else`,
    next: 'end the daemon as a system service (SIGTERM)',
  });
}

const unknownKey = (callsign: string | undefined): SituationError =>
  new SituationError('unknownKey', 'NOT_FOUND', {
    what:
      callsign === undefined ? 'callsign is missing' : `there is no service ${JSON.stringify(callsign.slice(0, 200))}`,
    next: `the callsigns are ${CALLSIGN} and ${CONTROLLER}`,
  });
