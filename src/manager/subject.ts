/**
 * Which instance the code at work is at work for. Timers, sockets and promises made on the way keep it, so that a fault that
 * nothing catches can be put down to one instance (start/last-net).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AppInstanceId } from '../domain/ids.ts';

const storage = new AsyncLocalStorage<AppInstanceId>();

export const workingFor = <Result>(id: AppInstanceId, work: () => Result): Result => storage.run(id, work);

/** Undefined: for none, or for all. */
export const subject = (): AppInstanceId | undefined => storage.getStore();
