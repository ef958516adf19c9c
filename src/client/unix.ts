/** The road for a program that asks once and ends, as the command line does: one method, one connection. */
import type { MethodInput, MethodName, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { notLetIn, roadTo, unreachable } from './address.ts';
import type { Address } from './address.ts';
import { bounded } from './bounded.ts';
import { post } from './http-post.ts';
import { parseMessage, READERS, requestText, resultOf, timeoutOf } from './protocol.ts';
import type { CallOptions } from './protocol.ts';
import { checkToken } from './token.ts';

/** Throws what the method throws, UNREACHABLE, PERMISSION_DENIED, TIMED_OUT, ABORTED. */
export async function callOnce<Name extends MethodName>(
  address: Address,
  [name, params]: readonly [name: Name, params: MethodInput<Name>],
  { signal, timeoutMs = timeoutOf(name) }: CallOptions = {},
): Promise<MethodResults[Name]> {
  const road = roadTo(address);
  checkToken(address.token);
  const body = requestText(1, name, params);
  const answer = await bounded(name, { signal, timeoutMs }, (ends) => post(road, body, ends)).catch(
    (error: unknown) => {
      throw isTransportError(error) ? unreachable(address, error) : error;
    },
  );
  const message = parseMessage(answer);
  if (message === undefined) throw unreachable(address, 'what answers there is another program');
  try {
    return READERS[name](resultOf(message));
  } catch (error) {
    throw road.kind === 'tcp' && isTurnedAway(error) ? notLetIn(road) : error;
  }
}

/** By the gate, in Thunder's words; what a role may not do has our own. */
const isTurnedAway = (error: unknown): boolean =>
  error instanceof RuntimeError && error.code === 'PERMISSION_DENIED' && error.details?.['wireCode'] !== undefined;

const isTransportError = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof RuntimeError) && 'code' in error;
