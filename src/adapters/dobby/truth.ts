/** What is true of a container at this moment: Dobby's list and state, what it has said, and the kernel where Dobby says nothing. */
import { access } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Ended, EngineHandle, Inspection, Live } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { DobbyState, Target } from './calls.ts';
import { dobbyId } from './ids.ts';
import type { Parts } from './parts.ts';
import { liveOf, targetOf } from './start.ts';

/** For a look that somebody waits for. */
const LOOK_MS = 5000;
/** For one that is repeated. */
const GLANCE_MS = 2000;
/** How long Dobby may be silent about an end that was seen; when it does not know the container any more: as the way tells ends. */
const PATIENCE_MS = {
  /** Its hooks run between the end of process 1 and its word (postHalt: 4 s at most). */
  listed: 10_000,
  /** It does not answer. */
  silent: 4000,
} as const;
const BETWEEN: ReadonlySet<DobbyState> = new Set<DobbyState>(['starting', 'hibernating', 'awakening']);
const POLL_MS = 50;

/** When an end was first seen of which Dobby has not told. */
const untold = new WeakMap<Live, number>();

export async function ended(parts: Parts, id: ContainerId, live: Live): Promise<Ended | undefined> {
  const { way, traits, containers, processes, groups } = parts;
  const { handle, init } = live;
  if (groups.oomKills(dobbyId(id)) > 0) containers.noteOom(id);
  const withOom = (end: Ended): Ended => ({ ...end, oom: end.oom || containers.hadOom(id) });
  const unseen = { code: null, oom: false };
  if (handle === undefined) return unseen;
  // of a daemon that could not ask Dobby when it began
  if (containers.handleOf(id) === null) containers.hold(id, handle);
  const said = await saidEnd(parts, id, live);
  if (said !== undefined) return withOom(said);
  if (way.life !== undefined && way.life !== handle.life) return withOom({ ...unseen, engineLost: true });
  if (processes.isAlive(init)) return undefined;
  const since = untold.get(live) ?? performance.now();
  untold.set(live, since);
  const found = await look(parts, id, handle);
  const meanwhile = containers.endOf(id, handle);
  if (meanwhile !== undefined) return withOom(meanwhile);
  // its first process was never seen: only Dobby knows
  if (init.pid === 0 && found !== 'gone') return undefined;
  const patienceMs = found === 'gone' ? traits.wordMs : PATIENCE_MS[found];
  if (performance.now() - since <= patienceMs) return undefined;
  return withOom(way.lostWithOthers(dobbyId(id)) ? { ...unseen, engineLost: true } : unseen);
}

/** A Dobby that restarts an app by itself says that one has ended while the next runs under the same number (facts/dobby.md §0.8). */
async function saidEnd(parts: Parts, id: ContainerId, { handle, init }: Live): Promise<Ended | undefined> {
  const said = handle && parts.containers.endOf(id, handle);
  if (said === undefined || handle === undefined || !parts.processes.isAlive(init)) return said;
  if ((await look(parts, id, handle)) !== 'listed') return said;
  parts.containers.dropEnd(id, handle);
  return undefined;
}

async function look(
  { calls }: Parts,
  id: ContainerId,
  handle: EngineHandle,
): Promise<'gone' | keyof typeof PATIENCE_MS> {
  try {
    const { life, descriptors } = await calls.list(unhurried(GLANCE_MS));
    return life === handle.life && descriptors.get(dobbyId(id)) === handle.descriptor ? 'listed' : 'gone';
  } catch {
    return 'silent';
  }
}

/** Throws ENGINE_UNAVAILABLE, TIMED_OUT: then nothing is known. */
export async function inspect(parts: Parts, id: ContainerId, known: Live | null): Promise<Inspection> {
  const { way, traits, containers, processes } = parts;
  const isOurs = await access(parts.bundleOf(id)).then(
    () => true,
    () => false,
  );
  const left = { status: isOurs ? 'remains' : 'absent' } as const;
  if (known === null && !isOurs) return left;
  // a bus that is there and on which nobody is Dobby: all of its containers are gone
  if (way.life === null) {
    return known === null ? left : { status: 'ended', ended: { code: null, oom: false, engineLost: true } };
  }
  const wait = unhurried(LOOK_MS);
  const { life, descriptors } = await parts.calls.list(wait);
  const descriptor = descriptors.get(dobbyId(id));
  const isSame = known?.handle === undefined || (known.handle.life === life && known.handle.descriptor === descriptor);
  const past = (): Inspection => {
    if (known === null) return left;
    if (!traits.isFirstHand && processes.isAlive(known.init)) throw unsaid(id);
    const engineLost = known.handle !== undefined && known.handle.life !== life;
    const said = known.handle && containers.endOf(id, known.handle);
    return { status: 'ended', ended: said ?? { code: null, oom: false, ...(engineLost && { engineLost }) } };
  };
  if (descriptor === undefined || !isOurs || !isSame) return past();
  const handle = { life, descriptor };
  containers.hold(id, handle);
  const state = await settledState(parts, targetOf(id, handle), wait);
  // it has ended since; or Dobby cannot get rid of what an earlier life of it has left, and then dies when asked for more
  if (state === 'gone') return past();
  const live = await liveOf(parts, id, { handle, wait });
  // the process that was known is the same as long as it lives
  const same = known !== null && processes.isAlive(known.init) ? { ...live, init: known.init } : live;
  return { status: STATUS[state] ?? 'running', live: same };
}

const unsaid = (id: ContainerId): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `the plugin knows no container of ${id}, and the app lives`,
    next: 'Dobby is away or hangs behind it: look whether DobbyDaemon runs, and at its log',
  });

const STATUS: Readonly<Partial<Record<DobbyState, 'frozen' | 'asleep'>>> = { paused: 'frozen', hibernated: 'asleep' };

/** What Dobby is at comes to its end; an app that memcr hangs at is left as it is. */
async function settledState({ calls, clock }: Parts, target: Target, wait: Wait): Promise<DobbyState> {
  const deadline = performance.now() + wait.timeoutMs;
  for (;;) {
    const state = await calls.state(target, wait);
    if (!BETWEEN.has(state) || performance.now() > deadline) return state;
    await clock.sleep(POLL_MS, wait.signal);
  }
}
