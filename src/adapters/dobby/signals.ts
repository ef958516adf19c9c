/** Dobby's own signals, as far as somebody listens to them. */
import type { BusSignal } from './bus.ts';
import type { Word } from './containers.ts';
import { exitCode } from './status.ts';

export const CONTROL = 'org.rdk.dobby.ctrl1';

/** Undefined for a signal that tells no end. `StoppedWithStatus` comes first, `Stopped`, which says no status, right after it. */
export function wordIn({
  interface: name,
  member,
  body,
  life,
}: BusSignal & { readonly life: string }): Word | undefined {
  const [descriptor, id, status] = body;
  if (name !== CONTROL || !(member === 'StoppedWithStatus' || member === 'Stopped')) return undefined;
  if (typeof descriptor !== 'number' || typeof id !== 'string') return undefined;
  return { life, name: id, descriptor, code: typeof status === 'number' ? exitCode(status) : null };
}
