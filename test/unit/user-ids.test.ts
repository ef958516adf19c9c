import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { appId, type AppId } from '../../src/domain/ids.ts';
import { UserIds, type Leased, type UserIdRange } from '../../src/manager/user-ids.ts';
import type { UserIdLease } from '../../src/ports/journal.ts';
import { refusal } from '../lib/refusal.ts';

const A = appId('a');
const B = appId('b');
const C = appId('c');

type World = { nowMs: number; readonly storages: Set<AppId>; readonly busy: Set<number> };

function userIds(
  { first = 100, last = 101, graceMs = 1000, ...more }: Partial<UserIdRange> = {},
  remembered: readonly UserIdLease[] = [],
) {
  const world: World = { nowMs: Date.parse('2026-01-01T00:00:00Z'), storages: new Set(), busy: new Set() };
  const options = {
    first,
    last,
    graceMs,
    ...more,
    now: () => new Date(world.nowMs).toISOString(),
    busyIds: () => world.busy,
    hasStorage: (id: AppId) => new Promise<boolean>((resolve) => setImmediate(() => resolve(world.storages.has(id)))),
  };
  return { world, ids: new UserIds(options, remembered) };
}

test('an app keeps its ids over runs', async () => {
  const { ids } = userIds();
  const { lease } = await ids.lease({ appId: A });
  assert.deepEqual(lease, { appId: A, uid: 100, gid: 100, releasedAt: null, from: 'range' });
  ids.giveBack(A);
  assert.equal((await ids.lease({ appId: B })).lease.uid, 101);
  assert.equal((await ids.lease({ appId: A })).lease.uid, 100);
});

test('an id that a process outside has is not chosen, and is again when it is gone; an app keeps the one it has', async () => {
  const { ids, world } = userIds({ last: 101, graceMs: 0 });
  world.busy.add(100);
  assert.equal((await ids.lease({ appId: A })).lease.uid, 101);
  world.busy.add(101);
  assert.equal((await ids.lease({ appId: A })).lease.uid, 101);
  ids.giveBack(A);
  ids.giveBack(A);
  await refusal(ids.lease({ appId: B }), 'USER_IDS_EXHAUSTED', /by other processes/);
  world.busy.clear();
  assert.equal((await ids.lease({ appId: B })).lease.uid, 100);
});

test('a lease is released, and said so once, when the last instance is gone', async () => {
  const { ids } = userIds();
  await ids.lease({ appId: A });
  await ids.lease({ appId: A });
  assert.deepEqual(ids.giveBack(A), []);
  assert.equal(ids.giveBack(A)[0]?.releasedAt, '2026-01-01T00:00:00.000Z');
});

test('the group is the shared one where there is one, or the one the caller wants', async () => {
  const { ids } = userIds({ sharedGid: 30_000 });
  assert.equal((await ids.lease({ appId: A })).lease.gid, 30_000);
  assert.equal((await ids.lease({ appId: B, gid: 7 })).lease.gid, 7);
});

test('an id goes to another app only when nothing of the first one lives, it has no storage, and its grace period is over', async () => {
  const { ids, world } = userIds({ last: 100 });
  await ids.lease({ appId: A });
  await refusal(ids.lease({ appId: B }), 'USER_IDS_EXHAUSTED', /all 1 user ids from 100 to 100/);
  ids.giveBack(A);
  await refusal(ids.lease({ appId: B }), 'USER_IDS_EXHAUSTED');
  world.nowMs += 1001;
  world.storages.add(A);
  await refusal(ids.lease({ appId: B }), 'USER_IDS_EXHAUSTED');
  world.storages.delete(A);
  const { lease, dropped } = await ids.lease({ appId: B });
  assert.equal(lease.uid, 100);
  assert.deepEqual(dropped, [A]);
  await refusal(ids.lease({ appId: A }), 'USER_IDS_EXHAUSTED');
});

test('of several that could lose their id, the one that has been idle the longest does', async () => {
  const { ids, world } = userIds();
  for (const id of [A, B]) await ids.lease({ appId: id });
  ids.giveBack(B);
  world.nowMs += 5000;
  ids.giveBack(A);
  world.nowMs += 5000;
  assert.deepEqual((await ids.lease({ appId: C })).dropped, [B]);
});

test('a wish is met where the id is free, and refused where it is another app’s or not the app’s own', async () => {
  const { ids } = userIds();
  assert.equal((await ids.lease({ appId: A, uid: 5 })).lease.uid, 5);
  await refusal(ids.lease({ appId: B, uid: 5 }), 'INVALID_ARGUMENT', /5 belongs to the app a/);
  await refusal(ids.lease({ appId: A, uid: 6 }), 'INVALID_ARGUMENT', /has the user id 5/);
  assert.equal((await ids.lease({ appId: A, uid: 5 })).lease.uid, 5);
});

test('an id that the device lists as shared is for all who ask for it, and for nobody else', async () => {
  const { ids, world } = userIds({ last: 102, graceMs: 0, shared: [101, 7] });
  for (const appId of [A, B]) assert.equal((await ids.lease({ appId, uid: 7, from: 'caller' })).lease.uid, 7);
  assert.equal((await ids.lease({ appId: C })).lease.uid, 100);
  assert.equal((await ids.lease({ appId: appId('d') })).lease.uid, 102);
  assert.deepEqual(ids.use(), { total: 3, taken: 2, inUse: 2 });
  world.nowMs += 5000;
  await refusal(ids.lease({ appId: appId('e') }), 'USER_IDS_EXHAUSTED');
});

test('an app of which no instance exists follows the configuration that the device honours; a lease that is undone goes back', async () => {
  const { ids } = userIds({ shared: [7] });
  const honoured = { appId: A, uid: 7, gid: 7, from: 'runtimeConfigObject' } as const;
  await ids.lease({ appId: A });
  await refusal(ids.lease(honoured), 'INVALID_ARGUMENT', /has the user id 100 and group id 100 already/);
  ids.giveBack(A);
  (await ids.lease(honoured)).undo();
  assert.equal((await ids.lease({ appId: A })).lease.uid, 100);
  ids.giveBack(A);
  assert.deepEqual((await ids.lease(honoured)).lease, { ...honoured, releasedAt: null });
  assert.equal((await ids.lease({ appId: B })).lease.uid, 100, 'its last id is free');
  ids.giveBack(A);
  const { lease } = await ids.lease({ appId: A, gid: 8, from: 'runtimeConfigObject' });
  assert.deepEqual([lease.uid, lease.gid], [7, 8], 'only what is asked for is changed');
});

test('apps that had one id come apart when the device does not share it any more, and not while they run', async () => {
  const leased = (id: AppId, releasedAt: string | null): UserIdLease => ({ appId: id, uid: 7, gid: 7, releasedAt });
  const { ids } = userIds({}, [leased(A, null), leased(B, '2026-01-01T00:00:00.000Z')]);
  ids.adopt(leased(A, null));
  assert.equal((await ids.lease({ appId: A })).lease.uid, 7);
  assert.equal((await ids.lease({ appId: B })).lease.uid, 100);
  ids.giveBack(A);
  ids.giveBack(A);
  assert.equal((await ids.lease({ appId: A })).lease.uid, 7);
});

test('an id of a configuration that a process outside has is refused; one that is listed as shared is not', async () => {
  const { ids, world } = userIds({ shared: [7] });
  world.busy.add(100).add(7);
  const wish = { from: 'runtimeConfigObject', gid: 7 } as const;
  await refusal(ids.lease({ ...wish, appId: A, uid: 100 }), 'INVALID_ARGUMENT', /a process outside of Runtime Manager/);
  assert.equal((await ids.lease({ ...wish, appId: A, uid: 7 })).lease.uid, 7);
});

test('leases of an earlier daemon stand', async () => {
  const { ids } = userIds({}, [{ appId: A, uid: 101, gid: 101, releasedAt: null }]);
  assert.equal((await ids.lease({ appId: B })).lease.uid, 100);
  assert.equal((await ids.lease({ appId: A })).lease.uid, 101);
  await refusal(ids.lease({ appId: C }), 'USER_IDS_EXHAUSTED');
});

test('a lease that was never written leaves nothing: the id is free, and who lost it for that has it again', async () => {
  const { ids, world } = userIds({ last: 100 });
  (await ids.lease({ appId: A })).undo();
  const b = await ids.lease({ appId: B });
  ids.giveBack(B);
  world.nowMs += 2000;
  (await ids.lease({ appId: C })).undo();
  assert.equal((await ids.lease({ appId: B })).lease.uid, b.lease.uid);
  // another run of the app has the same lease: it stays
  (await ids.lease({ appId: B })).undo();
  await refusal(ids.lease({ appId: A }), 'USER_IDS_EXHAUSTED');
});

/** What a run does with its lease, at its own pace. */
const step = fc.record({ app: fc.constantFrom('a', 'b', 'c', 'd', 'e'), end: fc.constantFrom('give back', 'undo') });
/** Those of a round come at the same moment. */
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 8 });

test('however runs come and go side by side, no two apps that live have the same user id', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), rounds, async (scheduler, isDiskQuick, all) => {
      const held = new Map<string, { uid: number; count: number }>();
      const ids = new UserIds(
        {
          first: 1,
          last: 3,
          graceMs: 0,
          now: () => '2026-01-01T00:00:00.000Z',
          busyIds: () => new Set<number>(),
          hasStorage: () => (isDiskQuick ? Promise.resolve(false) : scheduler.schedule(Promise.resolve(false))),
        },
        [],
      );
      const take = ({ lease }: Leased): void => {
        const now = held.get(lease.appId) ?? { uid: lease.uid, count: 0 };
        assert.equal(lease.uid, now.uid, `${lease.appId} has its id still`);
        for (const [other, { uid }] of held) {
          assert(other === lease.appId || uid !== lease.uid, `${other} and ${lease.appId} have ${uid}`);
        }
        assert(lease.uid >= 1 && lease.uid <= 3);
        held.set(lease.appId, { uid: lease.uid, count: now.count + 1 });
      };
      const leave = (app: string): void => {
        const now = held.get(app);
        if (now !== undefined && now.count > 1) held.set(app, { ...now, count: now.count - 1 });
        else held.delete(app);
      };
      const live = async ({ app, end }: { app: string; end: string }): Promise<void> => {
        const leased = await ids.lease({ appId: appId(app) }).catch(() => undefined);
        if (leased === undefined) return;
        take(leased);
        await scheduler.schedule(Promise.resolve());
        leave(app);
        if (end === 'undo') leased.undo();
        else ids.giveBack(appId(app));
      };
      for (const round of all) await scheduler.waitFor(Promise.all(round.map(live)));
    }),
    { numRuns: 300 },
  );
});
