/** What the server serves: the manager, as this type. */
import type { MethodName, MethodParams, MethodResults } from '../domain/api.ts';
import type { AppEvent } from '../domain/events.ts';

export type ServiceMethods = {
  readonly [Name in MethodName]: (
    params: MethodParams<Name>,
    /** `by`: who asked, for events. */
    call: { readonly signal: AbortSignal; readonly by?: string | undefined },
  ) => Promise<MethodResults[Name]>;
};

export type Service = ServiceMethods & {
  /** Calls back synchronously for each durable event, in the order of `seq`, after it was committed. */
  readonly subscribe: (listener: (event: AppEvent) => void) => () => void;
};
