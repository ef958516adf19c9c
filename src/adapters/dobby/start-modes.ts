/**
 * Which ways to start a container a Dobby was built with. It cannot be asked: a call of a method that it does not have costs it a
 * reply slot for good. Its program can be read: the names of the methods that it serves stand in it, each ended by a NUL.
 */
import { createReadStream } from 'node:fs';

export type StartModes = { readonly bundle: boolean; readonly spec: boolean };

const NAMES = { bundle: Buffer.from('StartFromBundle\0'), spec: Buffer.from('StartFromSpec\0') };
const LONGEST = Math.max(NAMES.bundle.length, NAMES.spec.length);

/** `program`: of the process, `/proc/PID/exe`. Both false when it cannot be read, or is something else than Dobby. */
export async function readStartModes(program: string): Promise<StartModes> {
  const found = { bundle: false, spec: false };
  let tail: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(program) as AsyncIterable<Buffer>) {
      const window = Buffer.concat([tail, chunk]);
      found.bundle ||= window.includes(NAMES.bundle);
      found.spec ||= window.includes(NAMES.spec);
      if (found.bundle && found.spec) break;
      tail = window.subarray(-LONGEST);
    }
  } catch {
    return { bundle: false, spec: false };
  }
  return found;
}
