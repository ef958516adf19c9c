/** Errors as a person meets them: a code, what happened, and what to do next. */
import assert from 'node:assert/strict';
import { RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';

/** The error of a call that must fail with this code, naming what it is about and saying what to do. */
export async function refusal(call: Promise<unknown>, code: ErrorCode, names?: RegExp): Promise<RuntimeError> {
  const error = await call.then(
    () => assert.fail(`it succeeded instead of failing with ${code}`),
    (thrown: unknown) => thrown,
  );
  assert(error instanceof RuntimeError, String(error));
  assert.equal(error.code, code, `${error.code}: ${error.message}`);
  if (names !== undefined) assert.match(error.message, names);
  return error;
}

/** As {@link refusal}, and it must say what to do next. */
export async function helpfulRefusal(call: Promise<unknown>, code: ErrorCode, names: RegExp): Promise<RuntimeError> {
  const error = await refusal(call, code, names);
  assert((error.next ?? '') !== '', `no advice: ${error.message}`);
  return error;
}
