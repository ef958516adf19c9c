/**
 * User ids of apps. An app keeps its id over runs, as its storage belongs to it. Another app gets it only when the range is
 * used up, nothing of the first one lives, its grace period is over and it has no storage. An id that a process outside has is not
 * chosen. Two apps have the same id only where the device lists it (`shared`). Never 0.
 */
import { RuntimeError } from '../domain/errors.ts';
import type { Resources } from '../domain/health.ts';
import type { AppId } from '../domain/ids.ts';
import type { IdsFrom } from '../domain/info.ts';
import type { UserIdLease } from '../ports/journal.ts';

export type UserIdRange = {
  readonly first: number;
  readonly last: number;
  /** Group of all apps; each app's own (the same number as its user id) when absent. */
  readonly sharedGid?: number | undefined;
  readonly graceMs: number;
  /** Whether the ids of RDK's RuntimeConfig count. */
  readonly honour?: boolean;
  /** Ids that several apps may have; nothing is chosen from them. */
  readonly shared?: readonly number[];
};

type Options = UserIdRange & {
  readonly now: () => string;
  /** Whether something on disk still belongs to the app. */
  readonly hasStorage: (appId: AppId) => Promise<boolean>;
  /** User ids that processes on the machine have, whoever started them. */
  readonly busyIds: () => ReadonlySet<number>;
};

export type LeaseWish = {
  readonly appId: AppId;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly from?: Exclude<IdsFrom, 'range'> | undefined;
};
export type Leased = {
  readonly lease: UserIdLease;
  /** The app that lost its id to this lease; both go into one commit. */
  readonly dropped: readonly AppId[];
  /** Instead of {@link UserIds.giveBack}, when the lease was never written: all is as before it. */
  readonly undo: () => void;
};

export class UserIds {
  readonly #options: Options;
  readonly #leases = new Map<AppId, UserIdLease>();
  readonly #users = new Map<AppId, number>();

  constructor(options: Options, remembered: readonly UserIdLease[]) {
    this.#options = options;
    for (const lease of remembered) this.#leases.set(lease.appId, lease);
  }

  get range(): UserIdRange {
    return this.#options;
  }

  /** The app's ids, held until {@link giveBack}. Throws USER_IDS_EXHAUSTED; INVALID_ARGUMENT for a wish that cannot be met. */
  async lease(wish: LeaseWish): Promise<Leased> {
    const { appId } = wish;
    const known = this.#leases.get(appId);
    if (known !== undefined && !this.#mustMove(known, wish)) {
      const lease = this.#hold(checkWish(known, wish));
      return { lease, dropped: [], undo: () => this.#undo(lease, known, undefined) };
    }
    const free = this.#freeFor(wish, known);
    const evicted = free === undefined ? await this.#evict() : undefined;
    // an eviction waits for the disk: another call, for this app or for the one that shall lose its id, may have come first
    const overtaken = evicted !== undefined && this.#leases.get(evicted.appId) !== evicted;
    if (overtaken || this.#leases.get(appId) !== known) return this.lease(wish);
    const uid = free ?? evicted?.uid;
    if (uid === undefined) throw this.#exhausted();
    if (evicted !== undefined) this.#leases.delete(evicted.appId);
    const gid = wish.gid ?? this.#options.sharedGid ?? uid;
    const lease = this.#hold({ appId, uid, gid, releasedAt: null, from: wish.from ?? 'range' });
    const dropped = evicted === undefined ? [] : [evicted.appId];
    return { lease, dropped, undo: () => this.#undo(lease, known, evicted) };
  }

  /**
   * Whether an app of which no instance exists gets other ids than its last ones: the device's configuration of apps says others,
   * or the id is another app's too, as the device allowed once. Its storage goes with it (adapters/storage: `own`).
   */
  #mustMove(known: UserIdLease, wish: LeaseWish): boolean {
    if (this.isUsed(known.appId)) return false;
    const isHonoured = wish.from === 'runtimeConfigObject' && !isMet(known, wish);
    return isHonoured || this.#ownerOf(known.uid, known.appId) !== undefined;
  }

  /** Undefined: the range is used up. */
  #freeFor(wish: LeaseWish, known: UserIdLease | undefined): number | undefined {
    if (wish.uid !== undefined) return this.#checkFree(wish, wish.uid);
    const isOwn = known !== undefined && this.#ownerOf(known.uid, known.appId) === undefined;
    return isOwn ? known.uid : this.#neverUsed();
  }

  /** Another app that has the id, where it may not be shared. */
  #ownerOf(uid: number, appId: AppId): AppId | undefined {
    if (this.#isShared(uid)) return undefined;
    return this.all().find((lease) => lease.uid === uid && lease.appId !== appId)?.appId;
  }

  #isShared(uid: number): boolean {
    return this.#options.shared?.includes(uid) === true;
  }

  /** An instance of the app is gone; the lease as it must be written, if that changed it. */
  giveBack(appId: AppId): readonly UserIdLease[] {
    const lease = this.#leases.get(appId);
    if (this.#leave(appId) > 0 || lease === undefined) return [];
    const released = { ...lease, releasedAt: this.#options.now() };
    this.#leases.set(appId, released);
    return [released];
  }

  #undo(lease: UserIdLease, before: UserIdLease | undefined, evicted: UserIdLease | undefined): void {
    const { appId } = lease;
    // another instance of the app has it too, or has had it meanwhile: then it stays
    if (this.#leases.get(appId) !== lease) {
      this.giveBack(appId);
      return;
    }
    this.#leave(appId);
    if (before === undefined) this.#leases.delete(appId);
    else this.#leases.set(appId, before);
    if (evicted !== undefined && !this.#leases.has(evicted.appId)) this.#leases.set(evicted.appId, evicted);
  }

  /** One user less; how many there are still. */
  #leave(appId: AppId): number {
    const users = (this.#users.get(appId) ?? 1) - 1;
    if (users > 0) this.#users.set(appId, users);
    else this.#users.delete(appId);
    return users;
  }

  /** What {@link giveBack} gave could not be written: the instance holds on to it. */
  takeBack(appId: AppId): void {
    const lease = this.#leases.get(appId);
    if (lease !== undefined) this.#hold(lease);
  }

  all(): readonly UserIdLease[] {
    return [...this.#leases.values()];
  }

  /** Why an app has its ids; of a record of an older version: as far as the ids tell. */
  fromOf({ uid, idsFrom }: { readonly uid: number; readonly idsFrom?: IdsFrom | undefined }): IdsFrom {
    const { first, last } = this.#options;
    return idsFrom ?? (uid >= first && uid <= last ? 'range' : 'caller');
  }

  /** Of the range; ids that callers chose elsewhere do not count. */
  use(): Resources['userIds'] {
    const { first, last } = this.#options;
    const taken = this.all().filter(({ uid }) => uid >= first && uid <= last);
    const count = (leases: readonly UserIdLease[]): number => new Set(leases.map(({ uid }) => uid)).size;
    return {
      total: last - first + 1,
      taken: count(taken),
      inUse: count(taken.filter(({ appId }) => this.isUsed(appId))),
    };
  }

  /** Whether an instance of the app is there, or about to be. */
  isUsed(appId: AppId): boolean {
    return (this.#users.get(appId) ?? 0) > 0;
  }

  /** For an instance that lives already, after a restart of the daemon. */
  adopt(lease: UserIdLease): void {
    this.#hold(lease);
  }

  #hold(lease: UserIdLease): UserIdLease {
    const held = { ...lease, releasedAt: null };
    this.#leases.set(lease.appId, held);
    this.#users.set(lease.appId, (this.#users.get(lease.appId) ?? 0) + 1);
    return held;
  }

  #neverUsed(): number | undefined {
    const { first, last, busyIds, shared = [] } = this.#options;
    const taken = new Set([...this.all().map((lease) => lease.uid), ...shared]);
    const busy = busyIds();
    for (let uid = first; uid <= last; uid++) if (!taken.has(uid) && !busy.has(uid)) return uid;
    return undefined;
  }

  #checkFree({ appId, from }: LeaseWish, uid: number): number {
    const owner = this.#ownerOf(uid, appId);
    const known = this.#leases.get(appId)?.uid;
    const isForeign =
      from === 'runtimeConfigObject' && uid !== known && !this.#isShared(uid) && this.#options.busyIds().has(uid);
    if (owner === undefined && !isForeign) return uid;
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `user id ${uid} belongs to ${owner === undefined ? 'a process outside of Runtime Manager' : `the app ${owner}`}`,
      next: 'give another userId, or 0 to let Runtime Manager choose; to let several apps have it, add it to userIds.shared',
    });
  }

  async #evict(): Promise<UserIdLease | undefined> {
    const { first, last, graceMs, now, hasStorage, busyIds } = this.#options;
    const busy = busyIds();
    const before = new Date(Date.parse(now()) - graceMs).toISOString();
    const idle = [...this.#leases.values()]
      .filter(({ uid, releasedAt }) => uid >= first && uid <= last && releasedAt !== null && releasedAt <= before)
      .filter(({ uid, appId }) => !busy.has(uid) && !this.#isShared(uid) && this.#ownerOf(uid, appId) === undefined)
      .sort((one, other) => ((one.releasedAt ?? '') < (other.releasedAt ?? '') ? -1 : 1));
    for (const lease of idle) {
      if (!(await hasStorage(lease.appId)) && this.#leases.get(lease.appId) === lease) return lease;
    }
    return undefined;
  }

  #exhausted(): RuntimeError {
    const { first, last, graceMs } = this.#options;
    return new RuntimeError('USER_IDS_EXHAUSTED', {
      what: `all ${last - first + 1} user ids from ${first} to ${last} are taken, by apps or by other processes`,
      next: `end apps and wait ${Math.ceil(graceMs / 1000)} s, delete the storage of apps that are gone, or widen userIds in the configuration`,
    });
  }
}

const isMet = (lease: UserIdLease, { uid, gid }: LeaseWish): boolean =>
  (uid === undefined || uid === lease.uid) && (gid === undefined || gid === lease.gid);

function checkWish(lease: UserIdLease, wish: LeaseWish): UserIdLease {
  if (isMet(lease, wish)) return lease;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `the app ${lease.appId} has the user id ${lease.uid} and group id ${lease.gid} already`,
    next: 'leave userId and groupId out (or 0): an app keeps its ids while an instance of it exists, because its storage belongs to them',
  });
}
