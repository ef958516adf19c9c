/** Calls of the service by their names on the wire: which they are, what they take, what form their results have. */
import { CALLSIGN, METHODS } from '../domain/api.ts';
import type { Done, MethodName, MethodParams, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { API_VERSION } from '../domain/wire.ts';
import { parseDesignator } from './designator.ts';
import type { Dispatch } from './json-rpc.ts';
import type { Service, ServiceMethods } from './service.ts';
import { readRegistration } from './subscriptions.ts';
import type { Subscriptions } from './subscriptions.ts';
import { readParams } from './validation.ts';

/** Who calls. */
export type Caller = {
  /** Aborted when nobody is there any more to hear the answer. */
  readonly gone: AbortSignal;
  /** Undefined where no event can arrive: `register` then succeeds without effect, as Thunder's does over HTTP. */
  readonly subscriptions?: Subscriptions | undefined;
};

type Row<Name extends MethodName> = {
  /** Changes nothing, so it may be given up half-way. An operation goes on although its caller is gone. */
  readonly isRead: boolean;
  readonly form: (result: MethodResults[Name]) => unknown;
};

const same = (result: unknown): unknown => result;
/** Upstream's void; a member more only where there is something to say. */
const done = ({ already }: Done): unknown => (already ? { already } : null);

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
  // upstream: the text of a JSON object, not the object
  getInfo: { isRead: true, form: (info) => JSON.stringify(info) },
  list: { isRead: true, form: same },
  getLogs: { isRead: true, form: same },
  getEvents: { isRead: true, form: same },
  version: { isRead: true, form: same },
};

const NEVER = new AbortController().signal;
/** Thunder's answer to a registration up to R5.2; no client looks at it. */
const REGISTERED = 0;

const isMethodName = (name: string): name is MethodName => Object.hasOwn(METHODS, name);

/** Carries out one caller's calls. */
export function methods(service: Service, caller: Caller): Dispatch {
  return async (designator, params) => {
    const method = ownMethod(designator);
    if (method === 'register' || method === 'unregister') {
      const registration = readRegistration(params, method);
      caller.subscriptions?.[method](registration);
      return REGISTERED;
    }
    if (!isMethodName(method)) throw unknownMethod(designator);
    return invoke(service, { name: method, row: ROWS[method], params, gone: caller.gone });
  };
}

type Call<Name extends MethodName> = {
  readonly name: Name;
  readonly row: Rows[Name];
  readonly params: unknown;
  readonly gone: AbortSignal;
};

async function invoke<Name extends MethodName>(
  service: ServiceMethods,
  { name, row, params, gone }: Call<Name>,
): Promise<unknown> {
  const checked = readParams(METHODS[name].params, params, name) as MethodParams<Name>;
  return row.form(await service[name](checked, { signal: row.isRead ? gone : NEVER }));
}

/** The method's bare name. Throws for another service's callsign and for versions that are not served. */
function ownMethod(text: string): string {
  const { callsign, version, method, index } = parseDesignator(text);
  if ((callsign !== undefined && callsign !== CALLSIGN) || index !== undefined) throw unknownMethod(text);
  if (version !== undefined && version !== API_VERSION) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `version ${version} of ${CALLSIGN} is not served`,
      next: `ask for version ${API_VERSION}, or for none`,
    });
  }
  return method;
}

const unknownMethod = (text: string): RuntimeError =>
  new RuntimeError('UNKNOWN_METHOD', {
    what: `there is no method ${JSON.stringify(text.slice(0, 200))}`,
    next: `the methods of ${CALLSIGN} are ${Object.keys(METHODS).join(', ')}, register and unregister`,
  });
