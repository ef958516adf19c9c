/** Keeps a fault of ours, or of a tool, to the one instance that was worked for. */
import { RuntimeError } from '../domain/errors.ts';
import type { AppInstanceId } from '../domain/ids.ts';
import type { Instances } from './instances.ts';
import type { Troubles } from './troubles.ts';

type House = { readonly instances: Instances; readonly troubles: Troubles };

/**
 * Told as a problem, and the operation at work is told to stop: what it waits for may never come. One that ends the app is left
 * alone, because its waits have limits of their own. The keeper then looks at what is true (`recoverOne`).
 */
export function isolate({ instances, troubles }: House, id: AppInstanceId, thrown: unknown): void {
  const instance = instances.find(id);
  if (instance === undefined) return;
  const fault = new RuntimeError('INTERNAL', {
    what: `something went wrong in the daemon while it worked for ${id}`,
    next: `the daemon goes on, its log has the stack; if the app does not do as it should: runtimectl kill ${id}`,
    cause: thrown,
  });
  troubles.note({ operation: 'work', appInstanceId: id }, fault);
  if (instance.operation !== 'terminate' && instance.operation !== 'kill') instance.queue.stop(fault);
}
