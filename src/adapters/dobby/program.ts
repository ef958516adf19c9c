/**
 * What a Dobby was built with. It cannot be asked: a call of a method that it does not have costs it a reply slot for good. Its
 * program can be read: the names of the methods that it serves stand in it, and what it says when it was built without something,
 * each ended by a NUL.
 */
import { unhurried } from '../../domain/unhurried.ts';
import { createReadStream } from 'node:fs';
import type { Log } from '../../ports/log.ts';
import type { Way } from './ways.ts';

const TEXTS = {
  bundle: 'StartFromBundle',
  spec: 'StartFromSpec',
  /** DobbyHibernate.cpp, without DOBBY_HIBERNATE_MEMCR_IMPL. */
  withoutMemcr: 'DobbyHibernate Implementation not enabled',
  /** DobbyManager.cpp, with DOBBY_PROD. */
  withoutExec: 'exec is not supported in production builds',
  /** DobbyManager.cpp, with USE_OPEN_TREE_FOR_DYNAMIC_MOUNTS. */
  mountsFreely: 'open_tree failed errno: %d container: %d',
} as const;
type Trait = keyof typeof TEXTS;
export type DobbyProgram = Readonly<Record<Trait, boolean>>;

const NAMES = Object.keys(TEXTS) as readonly Trait[];
const BYTES = NAMES.map((name) => [name, Buffer.from(`${TEXTS[name]}\0`)] as const);
const LONGEST = Math.max(...BYTES.map(([, bytes]) => bytes.length));
const NOTHING: DobbyProgram = {
  ...{ bundle: false, spec: false, withoutMemcr: false, withoutExec: false, mountsFreely: false },
};

/** `file`: of the process, `/proc/PID/exe`. Undefined when it cannot be read, or is something else than Dobby. */
export async function readProgram(file: string): Promise<DobbyProgram | undefined> {
  const found: Record<Trait, boolean> = { ...NOTHING };
  let tail: Buffer = Buffer.alloc(0);
  try {
    // an error comes out of the loop; the listener is for one that comes after it
    const stream = createReadStream(file).on('error', () => undefined);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const window = Buffer.concat([tail, chunk]);
      for (const [name, bytes] of BYTES) found[name] ||= window.includes(bytes);
      tail = window.subarray(-LONGEST);
    }
  } catch {
    return undefined;
  }
  return found.bundle || found.spec ? found : undefined;
}

export type ProgramReader = () => Promise<{ readonly pid: number; readonly program: DobbyProgram | undefined }>;

const PATIENCE_MS = 2000;

/** Reads it once for each life. What it gives throws ENGINE_UNAVAILABLE when Dobby, or its process, is not there to be looked at. */
export function programReader(way: Pick<Way, 'serving' | 'pidOf'>, log: Log): ProgramReader {
  let known: ({ readonly life: string } & Awaited<ReturnType<ProgramReader>>) | undefined;
  return async () => {
    const life = await way.serving(unhurried(PATIENCE_MS));
    const pid = await way.pidOf(life);
    if (known?.life === life && known.pid === pid) return known;
    known = { life, pid, program: await readProgram(`/proc/${pid}/exe`) };
    log.info({ pid, ...known.program }, 'what this Dobby was built with');
    return known;
  };
}
