/** The rounds of one peer: an app's life, step by step, beside others that stand there. */
import type { Peer } from '../peers/peer.ts';
import { reasonOf, type Column, type FigureName } from './comparison.ts';
import { proportionalBytes } from './daemon.ts';
import { timed } from './statistics.ts';

const MIB = 2 ** 20;
/** Longer than any peer takes when all is well: it has hung. */
const STEP_MS = 120_000;

const PAIRS = [
  ['suspend', 'resume'],
  ['hibernate', 'wake'],
] as const;

export type Rounds = AsyncDisposable & {
  /** One more app each. Failures are kept, not thrown. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  readonly column: () => Column;
};

async function inTime<T>(work: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no answer in ${STEP_MS / 1000} s`));
    }, STEP_MS);
    limit.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.abort();
  }
}

/** A whole crowd at once would wait for each other longer than for their starts. */
const AT_ONCE = 4;

/** Each as soon as one before it is done. The first failure ends all. */
async function spread(times: number, work: () => Promise<unknown>): Promise<void> {
  let left = times;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, times) }, () =>
      lane().catch((error: unknown) => {
        left = 0;
        throw error;
      }),
    ),
  );
}

/** The app's name is its peer's and its round's; `count` apps live while a round is measured, its own among them. */
export async function startRounds(peer: Peer, count: number, signal: AbortSignal): Promise<Rounds> {
  const samples: Partial<Record<FigureName, number[]>> = {};
  const failures: Partial<Record<FigureName, string>> = {};
  const live = new Set<string>();
  let next = 0;
  const run = async (): Promise<string> => {
    const id = `bench-${process.pid}-${count}-${next++}`;
    live.add(id);
    await inTime(peer.start(id));
    return id;
  };
  const remove = async (id: string): Promise<void> => {
    await inTime(peer.remove(id));
    live.delete(id);
  };
  const dispose = async (): Promise<void> => {
    const ids = [...live];
    await spread(ids.length, () => remove(ids.pop() ?? '').catch(() => undefined));
  };
  const step = async (name: FigureName, work: () => Promise<number>): Promise<boolean> => {
    signal.throwIfAborted();
    if (failures[name] !== undefined) return false;
    try {
      (samples[name] ??= []).push(await work());
      return true;
    } catch (error) {
      failures[name] = reasonOf(error);
      return false;
    }
  };
  try {
    await spread(count - 1, () => {
      signal.throwIfAborted();
      return run();
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  const time = (name: 'suspend' | 'resume' | 'hibernate' | 'wake' | 'terminate', id: string) =>
    step(name, () => timed(() => inTime(peer[name](id))));
  const life = async (): Promise<void> => {
    let id = '';
    if (!(await step('start', () => timed(async () => void (id = await run()))))) return;
    try {
      if (peer.outside !== undefined) {
        await step('memory', async () => (await sizeOf(peer, [...live])) / MIB / live.size);
      }
      for (const [there, back] of PAIRS) {
        if (failures[there] !== undefined || failures[back] !== undefined) continue;
        // a failure in the middle leaves a state that nobody has promised
        if (!((await time(there, id)) && (await time(back, id)))) return;
      }
      if (await time('terminate', id)) live.delete(id);
    } finally {
      if (live.has(id)) await remove(id);
    }
  };
  const death = async (): Promise<void> => {
    const { told } = peer;
    if (told === undefined) return;
    const id = await run();
    const pid = await inTime(peer.pid(id));
    await step('exit', () => {
      const heard = told(id);
      return timed(async () => {
        process.kill(pid, 'SIGKILL');
        await inTime(heard);
      });
    });
    await remove(id);
  };
  return {
    round: async () => {
      await life();
      await death();
    },
    column: () => ({ samples, failures }),
    [Symbol.asyncDispose]: dispose,
  };
}

async function sizeOf({ outside }: Peer, ids: readonly string[]): Promise<number> {
  const pids = (await outside?.(ids)) ?? [];
  return pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
}
