/** Checks parameters by the schema of their method. */
import type * as z from 'zod';
import { RuntimeError } from '../domain/errors.ts';
import { faultsOf } from '../domain/faults.ts';

/** Parameters of the form the schema asks for. Throws INVALID_ARGUMENT that names each bad member. */
export function readParams<Schema extends z.ZodType>(
  schema: Schema,
  params: unknown,
  method: string,
): z.output<Schema> {
  const outcome = schema.safeParse(params);
  if (outcome.success) return outcome.data;
  const members = faultsOf(outcome.error).map(({ path, expected }) => ({ path: path || 'params', expected }));
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${method}: ${members.map(({ path, expected }) => `${path} ${expected}`).join('; ')}`,
    next: 'correct the parameters; docs/api.md lists them',
    details: { members },
  });
}
