/** What differs between the generations of Thunder whose clients call (facts/thunder.md §1.6 to §1.9), as one table. */
import { ERRORS, RuntimeError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { ProfileName } from '../domain/wire.ts';

/** Refusals that Thunder itself utters, before or beside the plugin: their clients know them by code or by text. */
export type Situation =
  | 'unknownCallsign'
  | 'wrongVersion'
  | 'malformedDesignator'
  | 'registeredTwice'
  | 'notRegistered'
  | 'unknownKey'
  | 'notAllowed';

type WireError = { readonly code: number; readonly message: string };

export type Profile = {
  readonly situations: Readonly<Record<Situation, WireError>>;
  /** Code on the wire of a positive core code. */
  readonly coreCode: (core: number) => number;
  /** Of `register` and `unregister`. No client looks at it. */
  readonly registered: 0 | null;
  /** Of HTTP answers that hold an error. */
  readonly errorStatus: (code: number) => { readonly status: number; readonly reason?: string };
  readonly activeState: string;
  /** Told to clients that ask `Controller.version`: the Thunder whose dialect this is. */
  readonly thunder: { readonly major: number; readonly minor: number; readonly patch: number };
  /** Who registers for `statechange` hears at once what is active. */
  readonly catchesUp: boolean;
  /** GET /jsonrpc tells of the Controller; otherwise it is refused. */
  readonly answersGet: boolean;
};

/** Thunder's own spelling differs between its places; this is the one of its JSON-RPC dispatcher. */
const NOT_ALLOWED = { code: -32_604, message: 'method invokation not allowed.' };

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  r4: {
    situations: {
      unknownCallsign: { code: -32_603, message: 'Could not access requested service' },
      wrongVersion: { code: -32_602, message: 'Requested version is not supported.' },
      malformedDesignator: { code: -32_600, message: 'Designator is invalid.' },
      registeredTwice: { code: 22, message: 'Registration already done!!!.' },
      notRegistered: { code: 22, message: 'Unregister was already done!!!.' },
      // Ripple knows a plugin that is not there by this text
      unknownKey: { code: 22, message: 'ERROR_UNKNOWN_KEY' },
      notAllowed: NOT_ALLOWED,
    },
    coreCode: (core) => core,
    registered: 0,
    errorStatus: (code) => ({ status: 202, reason: `Failure on JSONRPC: ${code >>> 0}` }),
    activeState: 'activated',
    thunder: { major: 4, minor: 4, patch: 7 },
    catchesUp: false,
    answersGet: true,
  },
  r5: {
    situations: {
      unknownCallsign: { code: -31_043, message: 'The service is not available.' },
      wrongVersion: { code: -31_038, message: 'Requested version is not supported.' },
      malformedDesignator: { code: -31_015, message: 'Designator is invalid.' },
      registeredTwice: { code: -31_048, message: 'Registration failed.' },
      notRegistered: { code: -31_048, message: 'Unregistration failed.' },
      unknownKey: { code: -31_022, message: 'ERROR_UNKNOWN_KEY' },
      notAllowed: NOT_ALLOWED,
    },
    coreCode: (core) => -31_000 - core,
    registered: null,
    errorStatus: () => ({ status: 200 }),
    activeState: 'Activated',
    thunder: { major: 5, minor: 3, patch: 0 },
    catchesUp: true,
    answersGet: false,
  },
};

/** A refusal of Thunder's own: clients read its code and text, ours read `data`. */
export class SituationError extends RuntimeError {
  readonly situation: Situation;

  constructor(situation: Situation, code: ErrorCode, story: { readonly what: string; readonly next?: string }) {
    super(code, story);
    this.situation = situation;
  }
}

/** Code and text of an error on the wire. */
export function wireError(profile: Profile, error: RuntimeError): WireError {
  if (error instanceof SituationError) return profile.situations[error.situation];
  const { thunder } = ERRORS[error.code];
  return { code: thunder < 0 ? thunder : profile.coreCode(thunder), message: error.message };
}
