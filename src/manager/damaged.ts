/**
 * Records of instances that the journal cannot read any more. What they were of may still run: nothing of it is swept away. It is
 * told as a problem until the instance is killed, which removes what is left of it and the record.
 */
import { RuntimeError } from '../domain/errors.ts';
import type { Problem } from '../domain/health.ts';
import { appInstanceId, containerIdFor, type AppInstanceId, type ContainerId } from '../domain/ids.ts';
import type { Done } from '../domain/results.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { DamagedRecord } from '../ports/journal.ts';
import type { World } from './world.ts';

type One = { readonly appInstanceId?: string | undefined };
type Work<Params, Call, Result> = (params: Params, call: Call) => Promise<Result>;

export class Damaged {
  readonly #world: World;
  readonly #records: DamagedRecord[];

  constructor(world: World, records: readonly DamagedRecord[]) {
    this.#world = world;
    this.#records = [...records];
    if (records.length > 0) {
      world.log.error({ records }, 'records of the journal are damaged; they are left as they are');
    }
  }

  get #instances(): readonly AppInstanceId[] {
    return this.#records.flatMap(({ what, id }) => (what === 'instance' ? [id as AppInstanceId] : []));
  }

  /** Their containers. */
  get containers(): ReadonlySet<ContainerId> {
    return new Set(this.#instances.map(containerIdFor));
  }

  get problems(): readonly Problem[] {
    return this.#records.map(({ what, id }) => ({
      ...{ code: 'DAMAGED_RECORD', state: 'fail', since: null },
      what: `the journal's record of ${what === 'instance' ? id : `the user id of ${id}`} is damaged`,
      why: 'what is in state.db is not what the daemon has written: a disk, a tool or a person has changed it',
      ...(what === 'instance'
        ? {
            ...{ appId: null, appInstanceId: id as AppInstanceId },
            next: `if it still runs it runs on, unseen: runtimectl kill ${id} ends it and removes the record`,
          }
        : {
            ...{ appId: null, appInstanceId: null },
            next: `restore state.db from a backup, or delete the storage of ${id} (runtimectl storage delete ${id}) before it is run again`,
          }),
    }));
  }

  /** A run, but of an instance that is damaged. */
  refusing<Params extends One, Call, Result>(run: Work<Params, Call, Result>): Work<Params, Call, Result> {
    return async (params, call) => {
      if (this.#has(params.appInstanceId)) throw this.#refusal(params.appInstanceId ?? '');
      return run(params, call);
    };
  }

  /** A kill; of a damaged instance it ends what is left. */
  ending<Params extends One, Call>(kill: Work<Params, Call, Done>): Work<Params, Call, Done> {
    return async (params, call) => {
      if (!this.#has(params.appInstanceId)) return kill(params, call);
      await this.#end(appInstanceId(params.appInstanceId ?? ''));
      return { already: false };
    };
  }

  #has(id: string | undefined): boolean {
    return this.#records.some((one) => one.what === 'instance' && one.id === id);
  }

  #refusal(id: string): RuntimeError {
    return new RuntimeError('CORRUPT_FILE', {
      what: `the journal's record of ${id} is damaged, and what it was of may still run`,
      next: `runtimectl kill ${id} ends it and removes the record; then run it again`,
    });
  }

  async #end(id: AppInstanceId): Promise<void> {
    const { engine, announcer, settings } = this.#world;
    await engine.remove(containerIdFor(id), { known: null, ...unhurried(settings.killTimeoutMs) });
    await announcer.commit({ forgotten: [id] });
    this.#records.splice(
      this.#records.findIndex((one) => one.what === 'instance' && one.id === id),
      1,
    );
  }
}
