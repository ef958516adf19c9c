/** What all operations do alike. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Operation } from '../../domain/states.ts';
import type { Ended } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Asker, EventBody, Instance } from '../instance.ts';

/** Marks the instance as busy with an operation while it works. */
export async function during<Result>(
  instance: Instance,
  operation: Operation,
  work: () => Promise<Result>,
): Promise<Result> {
  instance.operation = operation;
  try {
    return await work();
  } finally {
    instance.operation = null;
  }
}

/** All of it has come to its end when this returns or throws (the first error): what is given back then is not taken after it. */
export async function allDone(works: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** For an operation at work, by one that goes before it and takes the app over as it is then. */
export const overtaken = (by: Operation, { record }: Instance): RuntimeError =>
  new RuntimeError('ABORTED', {
    what: `overtaken by a ${by} of ${record.appInstanceId}`,
    next: 'ask for its state: what overtook it decides what becomes of the app',
    details: { overtakenBy: by },
  });

/** Somebody else goes on with the app from here: nothing is to be undone. */
export const isTakenOver = ({ reason }: AbortSignal): boolean =>
  reason instanceof RuntimeError && reason.details?.['overtakenBy'] !== undefined;

type Failure = Extract<EventBody, { readonly type: 'failure' }>;

/** The event of an operation that came to nothing; `ended`: that ended the app, or kept it from starting. */
export const failureOf = (operation: Operation, thrown: unknown, { ended }: Pick<Failure, 'ended'>): Failure => ({
  type: 'failure',
  operation,
  error: RuntimeError.of(thrown).toJSON(),
  ended,
});

/** What the work writes is told with the name of who asked for it. */
export async function askedBy<Result>(
  instance: Instance,
  { by, origin }: Asker,
  work: () => Promise<Result>,
): Promise<Result> {
  instance.asker = { by, origin };
  try {
    return await work();
  } finally {
    instance.asker = undefined;
  }
}

/** The end of the app, or undefined when the time is over or the signal comes first. */
export async function endWithin(instance: Instance, { signal, timeoutMs }: Wait): Promise<Ended | undefined> {
  const { promise: given, resolve } = Promise.withResolvers<undefined>();
  const giveUp = (): void => {
    resolve(undefined);
  };
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([instance.ended, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** The pair of processes of an instance that has one. Throws INTERNAL: the table lets nobody ask otherwise. */
export function liveOf({ record }: Instance): NonNullable<Instance['record']['live']> {
  if (record.live !== null) return record.live;
  throw new RuntimeError('INTERNAL', { what: `${record.appInstanceId} is ${record.state} but has no process` });
}
