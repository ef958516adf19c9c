/** Calls of the service by their names on the wire: which they are, what they take, what form their results have. */
import * as z from 'zod';
import { CALLSIGN, METHODS } from '../domain/api.ts';
import type { Done, MethodName, MethodParams, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Origin } from '../domain/events.ts';
import type { AppInfo } from '../domain/info.ts';
import { API_VERSION, CONTROLLER } from '../domain/wire.ts';
import { Asked, type Asker } from './asked.ts';
import { CONTROLLER_METHODS, controllerRow } from './controller.ts';
import { readDesignator } from './designator.ts';
import type { Designator } from './designator.ts';
import { Written } from './json-rpc.ts';
import type { Dispatch } from './json-rpc.ts';
import { PROFILES, SituationError } from './profile.ts';
import type { Profile } from './profile.ts';
import type { Service, ServiceMethods } from './service.ts';
import { readRegistration, STATE_CHANGE } from './subscriptions.ts';
import type { Subscriptions } from './subscriptions.ts';
import { readParams } from './validation.ts';

/** Who calls. */
export type Caller = Asker & {
  /** Undefined where no event can arrive: `register` then succeeds without effect, as Thunder's does over HTTP. */
  readonly subscriptions?: Subscriptions | undefined;
  /** For methods without callsign; both services when absent. */
  readonly callsign?: string | undefined;
  /** `r4` when absent. */
  readonly profile?: Profile | undefined;
  /** Everything when absent. */
  readonly role?: Role | undefined;
  readonly observers?: (() => number) | undefined;
  /** Told of what came of calls. */
  readonly witness?: Witness | undefined;
};

export type Witness = {
  /** A call that changes something; `failure` undefined: it succeeded. */
  readonly deed: (name: MethodName, deed: { params: unknown; ms: number; failure: unknown }) => void;
  readonly page: (page: MethodResults['getEvents'], since: number) => void;
};

/** `observe`: what changes nothing, and events. */
export type Role = 'control' | 'observe';

type Row<Name extends MethodName> = {
  /** Changes nothing, so it may be given up half-way. An operation goes on although its caller is gone. */
  readonly isRead: boolean;
  readonly form: (result: MethodResults[Name]) => unknown;
};

const existsSchema = z.object({ method: z.string() });

const same = (result: unknown): unknown => result;
/** Upstream's void; a member more only where there is something to say. */
const done = ({ already }: Done): unknown => (already ? { already } : null);

const texts = new WeakMap<AppInfo, Written>();

/** Upstream: the text of a JSON object, not the object. Who asks often is given the same object, so its text is kept. */
function textOf(info: AppInfo): Written {
  const known = texts.get(info);
  if (known !== undefined) return known;
  const text = new Written(JSON.stringify(JSON.stringify(info)));
  texts.set(info, text);
  return text;
}

type Rows = { readonly [Name in MethodName]: Row<Name> };

const ROWS: Rows = {
  run: { isRead: false, form: same },
  suspend: { isRead: false, form: done },
  resume: { isRead: false, form: done },
  hibernate: { isRead: false, form: done },
  wake: { isRead: false, form: done },
  explainHibernation: { isRead: true, form: same },
  terminate: { isRead: false, form: done },
  kill: { isRead: false, form: done },
  annotate: { isRead: false, form: done },
  removeAnnotation: { isRead: false, form: done },
  setLimits: { isRead: false, form: same },
  mount: { isRead: false, form: done },
  unmount: { isRead: false, form: done },
  exec: { isRead: false, form: same },
  execInput: { isRead: false, form: same },
  getHistory: { isRead: true, form: same },
  getHealth: { isRead: true, form: same },
  getInfo: { isRead: true, form: textOf },
  // changes nothing, but shows every variable of an app and looks at any file: not for observers
  generateSpec: { isRead: false, form: same },
  list: { isRead: true, form: same },
  getLogs: { isRead: true, form: same },
  getScreenshot: { isRead: true, form: same },
  setVisible: { isRead: false, form: done },
  setFocus: { isRead: false, form: done },
  setZOrder: { isRead: false, form: done },
  resizeDisplay: { isRead: false, form: done },
  getView: { isRead: true, form: same },
  getEvents: { isRead: true, form: same },
  listStorage: { isRead: true, form: same },
  clearStorage: { isRead: false, form: done },
  deleteStorage: { isRead: false, form: done },
  repairStorage: { isRead: false, form: same },
  listImages: { isRead: true, form: same },
  listPackages: { isRead: true, form: same },
  prunePackages: { isRead: false, form: same },
  getEngine: { isRead: true, form: same },
  version: { isRead: true, form: same },
};

/** Its caller hears of the end after the answer, whatever brought it about. */
const ENDS: ReadonlySet<MethodName> = new Set<MethodName>(['terminate', 'kill']);

const isMethodName = (name: string): name is MethodName => Object.hasOwn(METHODS, name);

type Target = Designator & { readonly callsign: string; readonly text: string; readonly params: unknown };

/** Carries out one caller's calls. Throws for what is not there, not allowed or not well-formed. */
export function methods(service: Service, caller: Caller): Dispatch {
  return async (designator, params, origin) => {
    const target = targetOf(designator, params, caller);
    const { method, index, callsign } = target;
    if (Object.hasOwn(BUILT_IN, method)) return BUILT_IN[method]?.(target, caller);
    if (callsign === CONTROLLER) return callController(target, caller);
    if (!isMethodName(method) || index !== undefined) throw unknownMethod(target);
    const row = ROWS[method];
    if (!row.isRead) refuseObserver(target, caller);
    return invoke(service, { name: method, row, params, caller, origin });
  };
}

/** Every service of Thunder has these. */
const BUILT_IN: Readonly<Record<string, (target: Target, caller: Caller) => unknown>> = {
  register: (target, caller) => subscribe('register', target, caller),
  unregister: (target, caller) => subscribe('unregister', target, caller),
  exists: (target) => exists(target),
  versions: ({ callsign }) => [{ name: `J${nameOf(callsign)}`, major: API_VERSION, minor: 0, patch: 0 }],
};

const nameOf = (callsign: string): string => callsign.split('.').at(-1) ?? callsign;

function subscribe(how: 'register' | 'unregister', { params, callsign, index }: Target, caller: Caller): 0 | null {
  caller.subscriptions?.[how]({ ...readRegistration(params, how), callsign, index });
  return profileOf(caller).registered;
}

/** Up to R5.2 the parameter is the name and the answer an error code; since R5.3 it is an object and the answer a boolean. */
function exists({ params, callsign }: Target): 0 | 22 | boolean {
  const isThere = (name: string): boolean =>
    Object.hasOwn(BUILT_IN, name) || (callsign === CONTROLLER ? controllerRow(name) !== undefined : isMethodName(name));
  if (typeof params === 'string') return isThere(params) ? 0 : 22;
  return isThere(readParams(existsSchema, params, 'exists').method);
}

function callController(target: Target, caller: Caller): unknown {
  const row = controllerRow(target.method);
  if (row === undefined) throw unknownMethod(target);
  if (!row.isRead) refuseObserver(target, caller);
  const { params, index } = target;
  return row.call({ params, index, profile: profileOf(caller), observers: caller.observers?.() ?? 0 });
}

function refuseObserver({ text }: Target, { role }: Caller): void {
  if (role !== 'observe') return;
  throw new SituationError('notAllowed', 'PERMISSION_DENIED', {
    what: `${JSON.stringify(text.slice(0, 200))} changes something, and the role of this token is observe`,
    next: 'use the token of the role control',
  });
}

const profileOf = ({ profile }: Caller): Profile => profile ?? PROFILES.r4;

type Call<Name extends MethodName> = {
  readonly name: Name;
  readonly row: Rows[Name];
  readonly params: unknown;
  readonly caller: Caller;
  readonly origin: Origin | undefined;
};

async function invoke<Name extends MethodName>(
  service: ServiceMethods,
  { name, row, params, caller, origin }: Call<Name>,
): Promise<unknown> {
  const checked = readParams(METHODS[name].params, params, name) as MethodParams<Name>;
  if (origin !== undefined && ENDS.has(name)) {
    caller.subscriptions?.expectEnd(origin, (checked as MethodParams<'kill'>).appInstanceId);
  }
  const asked = new Asked(caller, row.isRead, origin);
  const { witness } = caller;
  if (witness === undefined) return row.form(await service[name](checked, asked));
  if (!row.isRead) {
    return row.form(await witnessed(witness, { name, params: checked }, () => service[name](checked, asked)));
  }
  const result = await service[name](checked, asked);
  if (name === 'getEvents') {
    witness.page(result as MethodResults['getEvents'], (checked as MethodParams<'getEvents'>).since);
  }
  return row.form(result);
}

type Named = { readonly name: MethodName; readonly params: unknown };

async function witnessed<Result>(
  witness: Witness,
  { name, params }: Named,
  work: () => Promise<Result>,
): Promise<Result> {
  const begin = performance.now();
  const tell = (failure: unknown): void => witness.deed(name, { params, ms: performance.now() - begin, failure });
  try {
    const result = await work();
    tell(undefined);
    return result;
  } catch (error) {
    tell(error);
    throw error;
  }
}

/** Throws for a service that is not here, for versions that are not served, and for what is no name. */
function targetOf(text: string, params: unknown, caller: Caller): Target {
  const designator = readDesignator(text);
  if (designator.method === '') {
    throw new SituationError('malformedDesignator', 'UNKNOWN_METHOD', { what: 'the method has no name' });
  }
  if (designator.object !== undefined) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: `there are no objects to call, such as ${JSON.stringify(designator.object.slice(0, 200))}`,
      next: 'name the instance as appInstanceId in the parameters',
    });
  }
  const callsign = designator.callsign ?? caller.callsign ?? bareOwner(designator.method, params);
  if (callsign !== CALLSIGN && callsign !== CONTROLLER) {
    throw new SituationError('unknownCallsign', 'UNKNOWN_METHOD', {
      what: `there is no service ${JSON.stringify(callsign.slice(0, 200))}`,
      next: `the callsigns are ${CALLSIGN} and ${CONTROLLER}`,
    });
  }
  if (designator.version !== undefined && designator.version !== API_VERSION) {
    throw new SituationError('wrongVersion', 'INVALID_ARGUMENT', {
      what: `version ${designator.version} of ${callsign} is not served`,
      next: `ask for version ${API_VERSION}, or for none`,
    });
  }
  return { ...designator, callsign, text, params };
}

/** At /jsonrpc a bare name is ours where we have it and else the Controller's, as are registrations for its event (decision 0030). */
function bareOwner(method: string, params: unknown): string {
  if (method === 'register' || method === 'unregister') {
    const { event } = (params ?? {}) as { readonly event?: unknown };
    return event === STATE_CHANGE ? CONTROLLER : CALLSIGN;
  }
  return !isMethodName(method) && controllerRow(method) !== undefined ? CONTROLLER : CALLSIGN;
}

const unknownMethod = ({ text, callsign }: Target): RuntimeError => {
  const own = callsign === CONTROLLER ? CONTROLLER_METHODS : Object.keys(METHODS);
  return new RuntimeError('UNKNOWN_METHOD', {
    what: `there is no method ${JSON.stringify(text.slice(0, 200))}`,
    next: `the methods of ${callsign} are ${[...own, ...Object.keys(BUILT_IN)].join(', ')}`,
  });
};
