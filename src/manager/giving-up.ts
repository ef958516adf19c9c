/** Operations that do not wait for the end of a hibernation, where the engine can give it up. */
import type { Operation } from '../domain/states.ts';
import { appInstanceId } from '../domain/ids.ts';
import type { Asker, Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { askedBy, overtaken } from './operations/operation.ts';
import type { World } from './world.ts';

export type Work<Result> = (instance: Instance, signal: AbortSignal) => Promise<Result>;
type House = { readonly world: World; readonly instances: Instances };

/** In the instance's queue; before all that wait, when a hibernation is at work that the engine keeps the processes in. */
export const givingUp =
  <Result>({ world, instances }: House, operation: Operation, work: Work<Result>) =>
  async (params: { readonly appInstanceId: string }, asker: Asker): Promise<Result> => {
    const instance = instances.get(appInstanceId(params.appInstanceId));
    const asked = (signal: AbortSignal): Promise<Result> => askedBy(instance, asker, () => work(instance, signal));
    const isAtWork = world.engine.inPlace !== undefined && instance.operation === 'hibernate';
    return isAtWork ? instance.queue.overtake(overtaken(operation, instance), asked) : instance.queue.push(asked);
  };
