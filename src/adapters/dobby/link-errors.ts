/** What can go wrong on the way to Dobby, for people. */
import { RuntimeError } from '../../domain/errors.ts';
import { BusError } from './bus.ts';

type Where = { readonly address: string; readonly service: string };

export const unavailable = ({ address, service }: Where, cause: unknown): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `Dobby (${service}) cannot be reached`,
    next: 'look whether DobbyDaemon runs and whether the bus policy lets this daemon call it (docs/dobby.md)',
    details: { address },
    cause,
  });

export const timedOut = (method: string, timeoutMs: number): RuntimeError =>
  new RuntimeError('TIMED_OUT', {
    what: `Dobby has not answered ${method} within ${timeoutMs} ms`,
    next: 'its one worker may hang: look at its log; only a restart of DobbyDaemon helps then, and ends all its containers',
  });

export const aborted = ({ reason }: AbortSignal): RuntimeError =>
  reason instanceof RuntimeError
    ? reason
    : new RuntimeError('ABORTED', { what: 'nobody waits any longer', cause: reason });

const UNKNOWN = /\.Error\.Unknown(?:Method|Interface|Object)$/;
const DENIED = /\.Error\.AccessDenied$/;

/** `error` undefined: the method is known to be unknown. */
export function inPlainWords(where: Where, method: string, error: unknown): RuntimeError {
  const name = error instanceof BusError ? error.errorName : '';
  if (error === undefined || UNKNOWN.test(name)) {
    return new RuntimeError('NOT_SUPPORTED', {
      what: `this Dobby does not answer ${method}`,
      next: `it was built without it, or calls that it did not know have used up its reply slots (then restart DobbyDaemon); see dobby.start in docs/dobby.md`,
      cause: error,
    });
  }
  if (DENIED.test(name)) {
    return new RuntimeError('ENGINE_UNAVAILABLE', {
      what: 'the bus does not let this daemon call Dobby',
      next: `allow it in /etc/dbus-1/system.d: <allow send_destination="${where.service}"/> (docs/dobby.md)`,
      cause: error,
    });
  }
  return unavailable(where, error);
}
