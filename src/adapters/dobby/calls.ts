/**
 * What is asked of Dobby: the whole of it, with the signatures of its daemon 3.19 (facts/dobby.md §3). Its failures are values, not
 * errors: false, -1, 0, "". Why it refused stands only in its own log.
 */
import * as z from 'zod';
import type { EngineHandle } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import { PATIENCE_MS, type Link } from './link.ts';
import type { Question } from './link-options.ts';

/** By its number; `gone`: Dobby knows no such descriptor. */
export const STATES = [
  'gone',
  'starting',
  'running',
  'stopping',
  'paused',
  'hibernating',
  'hibernated',
  'awakening',
] as const;
export type DobbyState = (typeof STATES)[number];

/** Null where the control group is not as Dobby expects it. */
const count = z.unknown().transform((value) => (typeof value === 'number' ? value : null));
const infoSchema = z.object({
  pids: z.array(z.int()).nullish(),
  processes: z.array(z.object({ pid: z.int(), nsPid: z.int().nullish(), cmdline: z.string().nullish() })).nullish(),
  cpu: z.object({ usage: z.object({ total: count }).nullish() }).nullish(),
  memory: z.object({ user: z.object({ limit: count, usage: count }).nullish() }).nullish(),
});
/** Of GetInfo; without its control group some of it is null. */
export type DobbyInfo = z.infer<typeof infoSchema>;

type Late<Value> = ((value: Value) => void) | undefined;

/** Containers that there are, by id. */
export type Listed = { readonly life: string; readonly descriptors: ReadonlyMap<string, number> };

export type DobbyCalls = ReturnType<typeof dobbyCalls>;

/** All throw as {@link Link.call}; those with a handle ENGINE_UNAVAILABLE when its life is over. */
export const dobbyCalls = (link: Link) => ({ ...starting(link), ...doing(link), ...looking(link) });

type Rest = Partial<Pick<Question, 'signature' | 'body'>>;

/** A question about one container. */
const about = ({ life, descriptor }: EngineHandle, method: string, { signature = '', body = [] }: Rest = {}) => ({
  ...{ method, life, signature: `i${signature}`, body: [descriptor, ...body] },
});

function starting(link: Link) {
  const start = async (question: Question, wait: Wait, late: Late<number>): Promise<number> =>
    descriptorIn(await link.call({ ...question, late: late && ((values) => late(descriptorIn(values))) }, wait));
  return {
    /** The descriptor; -1 when it was not started. `late`: of a start whose caller has given up. */
    startFromBundle: ({ life, id, bundle }: Record<'life' | 'id' | 'bundle', string>, wait: Wait, late: Late<number>) =>
      start({ method: 'StartFromBundle', life, signature: 'ssah', body: [id, bundle, []] }, wait, late),
    /** `display`: socket that Dobby binds in; empty for none. */
    startFromSpec: (
      { life, id, spec, display }: Record<'life' | 'id' | 'spec' | 'display', string>,
      wait: Wait,
      late: Late<number>,
    ) => {
      const body = display === '' ? [id, spec, []] : [id, spec, [], '', display, []];
      return start(
        { method: 'StartFromSpec', life, signature: display === '' ? 'ssah' : 'ssahssas', body },
        wait,
        late,
      );
    },
  };
}

type Binding = { readonly source: string; readonly destination: string; readonly flags: readonly string[] };

/** True when it was done; of hibernate and wakeup: when it has begun. */
function doing(link: Link) {
  const isTrue = ([value]: readonly unknown[]): boolean => value === true;
  const tell = async (question: Question, wait: Wait, late?: Late<boolean>): Promise<boolean> =>
    isTrue(await link.call({ ...question, late: late && ((values) => late(isTrue(values))) }, wait));
  return {
    stop: (handle: EngineHandle, force: boolean, wait: Wait) =>
      tell(about(handle, 'Stop', { signature: 'b', body: [force] }), wait),
    pause: (handle: EngineHandle, wait: Wait, late?: Late<boolean>) => tell(about(handle, 'Pause'), wait, late),
    resume: (handle: EngineHandle, wait: Wait, late?: Late<boolean>) => tell(about(handle, 'Resume'), wait, late),
    hibernate: (handle: EngineHandle, options: string, wait: Wait) =>
      tell(about(handle, 'Hibernate', { signature: 's', body: [options] }), wait),
    wakeup: (handle: EngineHandle, wait: Wait) => tell(about(handle, 'Wakeup'), wait),
    mount: (handle: EngineHandle, { source, destination, flags }: Binding, wait: Wait) =>
      tell(about(handle, 'Mount', { signature: 'ssass', body: [source, destination, flags, ''] }), wait),
    unmount: (handle: EngineHandle, destination: string, wait: Wait) =>
      tell(about(handle, 'Unmount', { signature: 's', body: [destination] }), wait),
    annotate: (handle: EngineHandle, [key, value]: readonly [string, string], wait: Wait) =>
      tell(about(handle, 'Annotate', { signature: 'ss', body: [key, value] }), wait),
    removeAnnotation: (handle: EngineHandle, key: string, wait: Wait) =>
      tell(about(handle, 'RemoveAnnotation', { signature: 's', body: [key] }), wait),
    exec: (handle: EngineHandle, [options, command]: readonly [string, string], wait: Wait) =>
      tell(about(handle, 'Exec', { signature: 'ss', body: [options, command] }), wait),
  };
}

function looking(link: Link) {
  return {
    state: async (handle: EngineHandle, wait: Wait): Promise<DobbyState> => {
      const [number] = await link.call(about(handle, 'GetState'), wait);
      return STATES[typeof number === 'number' ? number : 0] ?? 'gone';
    },
    /** Undefined when it is not there. */
    info: async (handle: EngineHandle, wait: Wait): Promise<DobbyInfo | undefined> =>
      infoIn((await link.call(about(handle, 'GetInfo'), wait))[0]),
    list: async (wait: Wait): Promise<Listed> => {
      // a Dobby that is not there is not waited for as long as one that is at work
      const life = await link.serving({ ...wait, timeoutMs: Math.min(wait.timeoutMs, PATIENCE_MS) });
      const [descriptors, ids] = await link.call({ method: 'List', life, signature: '', body: [] }, wait);
      const numbers = z.array(z.int()).parse(descriptors);
      const names = z.array(z.string()).parse(ids);
      return { life, descriptors: new Map(names.map((name, index) => [name, numbers[index] ?? 0])) };
    },
  };
}

const descriptorIn = ([value]: readonly unknown[]): number => (typeof value === 'number' ? value : -1);

/** Not the text that was promised, or not JSON: as good as nothing. */
function infoIn(text: unknown): DobbyInfo | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return infoSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
