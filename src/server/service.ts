/** What the server serves: the manager, as this type. */
import type { Duplex } from 'node:stream';
import type { MethodName, MethodParams, MethodResults } from '../domain/api.ts';
import type { Channel } from '../domain/exec.ts';
import type { AppEvent, Origin } from '../domain/events.ts';
import type { Resources } from '../domain/health.ts';

export type ServiceCall = {
  /** When the call is to be given up. */
  readonly signal: AbortSignal;
  /** Aborted when nobody is there any more to hear the answer, also of what goes on then. */
  readonly gone?: (() => AbortSignal) | undefined;
  /** Who asked, for events. */
  readonly by?: string | undefined;
  /** In which message. */
  readonly origin?: Origin | undefined;
  /** The caller's connection, where more than answers can be told. */
  readonly channel?: Channel | undefined;
};

export type ServiceMethods = {
  readonly [Name in MethodName]: (params: MethodParams<Name>, call: ServiceCall) => Promise<MethodResults[Name]>;
};

export type Service = ServiceMethods & {
  /** Calls back synchronously for each durable event, in the order of `seq`, after it was committed, with the `origin` of the call that it follows from. */
  readonly subscribe: (listener: (event: AppEvent, origin?: Origin) => void) => () => void;
  readonly resources: () => Promise<Resources>;
  /** A viewer's connection to an app's display (RFB). Throws what `getView` throws, and ILLEGAL_STATE, DISPLAY_FAILED, BUSY. */
  readonly openView: (appInstanceId: string, signal: AbortSignal) => Promise<Duplex>;
};
