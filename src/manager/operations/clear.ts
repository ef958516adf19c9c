/** Removes a container from the machine: what the engine made, and its ways to the network. The leases stay. */
import type { Live } from '../../ports/engine.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { unhurried } from './operation.ts';

/** Repeatable. `known` as for `Engine.remove`. */
export async function clear(
  { engine, networks, settings }: World,
  { record }: Instance,
  known: Live | null,
): Promise<void> {
  const wait = unhurried(settings.killTimeoutMs);
  await engine.remove(record.containerId, { known, ...wait });
  await networks.withdraw(record, wait);
}
