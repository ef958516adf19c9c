/** Figures of containers: from their control groups, else the last that Dobby has told. */
import type { ContainerId } from '../../domain/ids.ts';
import type { Readings } from '../../domain/info.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { EngineHandle } from '../../ports/engine.ts';
import type { DobbyCalls, DobbyInfo } from './calls.ts';
import { dobbyId } from './ids.ts';

/** Dobby writes "no limit" as cgroup v1 does, as the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;
const FRESH_MS = 1000;
/** For the figures nobody waits; a Dobby that hangs is not asked again and again. */
const ASK_MS = 5000;

type Seen = { readonly info: DobbyInfo; readonly at: number };

export class Figures {
  readonly #calls: DobbyCalls;
  readonly #seen = new Map<ContainerId, Seen>();
  readonly #asking = new Set<ContainerId>();

  constructor(calls: DobbyCalls) {
    this.#calls = calls;
  }

  note(id: ContainerId, info: DobbyInfo): void {
    this.#seen.set(id, { info, at: performance.now() });
  }

  forget(id: ContainerId): void {
    this.#seen.delete(id);
  }

  pidsOf(id: ContainerId): readonly number[] {
    return this.#seen.get(id)?.info.pids ?? [];
  }

  /** What was told last; asks for newer ones when these are old. */
  readingsOf(id: ContainerId, handle: EngineHandle | null): Readings | undefined {
    const seen = this.#seen.get(id);
    if (handle !== null && (seen === undefined || performance.now() - seen.at > FRESH_MS)) this.#ask(id, handle);
    return seen && readingsIn(seen.info);
  }

  #ask(id: ContainerId, handle: EngineHandle): void {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    this.#calls
      .info({ ...handle, name: dobbyId(id) }, unhurried(ASK_MS))
      .then((info) => {
        if (info !== undefined && this.#seen.has(id)) this.note(id, info);
      })
      .catch(() => undefined)
      .finally(() => this.#asking.delete(id));
  }
}

function readingsIn({ memory, cpu, pids }: DobbyInfo): Readings | undefined {
  const { usage, limit } = memory?.user ?? {};
  if (typeof usage !== 'number') return undefined;
  const limitBytes = typeof limit === 'number' && limit < NO_LIMIT_BYTES ? limit : null;
  return {
    memory: { usageBytes: usage, limitBytes },
    cpu: { usageNs: cpu?.usage?.total ?? 0 },
    pids: { current: pids?.length ?? 0, limit: null },
  };
}
