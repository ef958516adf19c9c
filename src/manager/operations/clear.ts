/** Removes a container from the machine: what the engine made, its display, its ways to the network. Address and ports stay leased. */
import { unhurried } from '../../domain/unhurried.ts';
import type { Live } from '../../ports/engine.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { restDisplay } from './displays.ts';

/** Repeatable. `known` as for `Engine.remove`. */
export async function clear(world: World, { record }: Instance, known: Live | null): Promise<void> {
  const { engine, networks, settings } = world;
  const wait = unhurried(settings.killTimeoutMs);
  await engine.remove(record.containerId, { known, ...wait });
  await restDisplay(world, record);
  await networks.withdraw(record, wait);
}
