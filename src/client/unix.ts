/** The road for a program that asks once and ends, as the command line does. */
import type { MethodInput, MethodName, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { JSON_RPC_PATH } from '../domain/wire.ts';
import { socketOf, unreachable } from './address.ts';
import type { Address } from './address.ts';
import { post } from './http-post.ts';
import { givenUp, parseMessage, READERS, requestText, resultOf, timedOut, timeoutOf } from './protocol.ts';
import type { CallOptions } from './protocol.ts';

/** One method, one connection. Throws what the method throws, UNREACHABLE, PERMISSION_DENIED, TIMED_OUT, ABORTED. */
export async function callOnce<Name extends MethodName>(
  address: Address,
  [name, params]: readonly [name: Name, params: MethodInput<Name>],
  { signal, timeoutMs = timeoutOf(name) }: CallOptions = {},
): Promise<MethodResults[Name]> {
  const timer = AbortSignal.timeout(timeoutMs);
  const ends = signal === undefined ? timer : AbortSignal.any([signal, timer]);
  const body = requestText(1, name, params);
  try {
    const answer = await post({ socketPath: socketOf(address), path: JSON_RPC_PATH, body }, ends);
    const message = parseMessage(answer);
    if (message === undefined) throw unreachable(address, 'what answers there is another program');
    return READERS[name](resultOf(message));
  } catch (error) {
    if (signal?.aborted === true) throw givenUp(name, signal.reason);
    if (timer.aborted) throw timedOut(name, timeoutMs);
    throw isTransportError(error) ? unreachable(address, error) : error;
  }
}

const isTransportError = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof RuntimeError) && 'code' in error;
