/**
 * A volume's file system has one superblock at most on the machine. Before anything is done with the file, the kernel is asked
 * whether one is alive in any mount namespace: then nothing checks or resizes the file, and a mount of the same loop device joins it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../domain/errors.ts';
import { holdersOf } from './holders.ts';
import { detachDevice, devicesOf, isClaimed, pinned, type LoopDevice } from './loop-devices.ts';
import { dropCopies } from './mount-point.ts';
import type { StorageTools } from './tools.ts';

/** A process that looks at a device (udev), and a mount namespace that ends, need a moment. */
const PATIENCE_MS = 2000;
const POLL_MS = 20;

export type Place = { readonly file: string; readonly path: string };

/** The file system lives: it may only be mounted, from this device, which stays until this is disposed. */
export type Alive = AsyncDisposable & { readonly device: LoopDevice };

/**
 * Undefined when nothing has the file: then it is the caller's alone, as nobody else makes loop devices of it. Copies of mounts on
 * `path` in other mount namespaces are taken away first. Throws BUSY for a device that cannot be used.
 */
export async function alive(tools: StorageTools, place: Place): Promise<Alive | undefined> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let round = 0; ; round++) {
    const devices = await devicesOf(tools, place.file);
    const claimed = await claimedOf(devices);
    const [first] = claimed;
    if (devices.length === 0) return undefined;
    if (first === undefined) {
      // left by a daemon that was killed, or open for a look
      for (const device of devices) await detachDevice(tools, device);
      if (performance.now() > deadline) throw await busy(place.file, devices);
      await sleep(POLL_MS);
    } else if (round === 0) await dropCopies(place.path);
    else if (claimed.length > 1 || !first.isPlain) throw await busy(place.file, claimed);
    else {
      const pin = await pinned(tools, place.file, first);
      // without the flag the device would stay after the last mount
      if (pin !== undefined) await detachDevice(tools, first);
      if (pin !== undefined) return { device: first, [Symbol.asyncDispose]: () => pin[Symbol.asyncDispose]() };
    }
  }
}

async function claimedOf(devices: readonly LoopDevice[]): Promise<readonly LoopDevice[]> {
  const found = await Promise.all(devices.map(async (device) => ((await isClaimed(device)) ? [device] : [])));
  return found.flat();
}

/** Throws BUSY, with the processes that hold it, when the file system is alive somewhere. */
export async function mustBeFree(tools: StorageTools, place: Place): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    await using held = await alive(tools, place);
    if (held === undefined) return;
    if (performance.now() > deadline) throw await busy(place.file, [held.device]);
    await sleep(POLL_MS);
  }
}

export async function busy(file: string, devices: readonly LoopDevice[]): Promise<RuntimeError> {
  const holders = (await Promise.all(devices.map(({ number }) => holdersOf(number)))).flat();
  const paths = devices.map(({ path }) => path).join(', ');
  const by = holders.length === 0 ? 'the kernel, for no process' : holders.join(', ');
  return new RuntimeError('BUSY', {
    what: `the app's storage ${file} is in use outside of Runtime Manager: ${paths} is held by ${by}`,
    next: 'end these processes, or have them leave the storage; until then it is neither checked nor given another size',
    details: { file, devices: devices.map(({ path }) => path), holders },
  });
}
