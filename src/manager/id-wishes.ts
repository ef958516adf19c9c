/**
 * Which user and group id a `run` asks for. `userId` and `groupId` of `run` are insisted on. Those of RDK's RuntimeConfig are the
 * same for every app of a device (PackageManagerImplementation.h: userId = groupId = 30000), so they count only where the device
 * says so (`userIds.honour`), and only within what it lists.
 */
import type { MethodParams } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { UpstreamRun } from '../domain/runtime-config.ts';
import type { UserIdLease } from '../ports/journal.ts';
import type { LeaseWish, UserIdRange } from './user-ids.ts';

type Asked = Pick<MethodParams<'run'>, 'runtimeConfigObject' | 'userId' | 'groupId'>;
export type IdWish = Omit<LeaseWish, 'appId'>;

/** 0 and absent mean the same: Runtime Manager chooses. Throws PERMISSION_DENIED for ids that the device does not list. */
export function wishOf({ runtimeConfigObject: config, userId, groupId }: Asked, range: UserIdRange): IdWish {
  if (userId || groupId) return { uid: userId || undefined, gid: groupId || undefined, from: 'caller' };
  if (config === undefined || !range.honour || (config.userId === 0 && config.groupId === 0)) return {};
  const { first, last, shared = [], sharedGid } = range;
  const uid = config.userId || undefined;
  const gid = config.groupId || undefined;
  if (uid !== undefined && !(uid >= first && uid <= last) && !shared.includes(uid)) throw notListed('userId', uid);
  if (gid !== undefined && gid !== uid && gid !== sharedGid && !shared.includes(gid)) throw notListed('groupId', gid);
  return { uid, gid, from: 'runtimeConfigObject' };
}

/** What the configuration asks for and the app does not have, in words; empty when it has it. */
export function unmetIds(
  upstream: UpstreamRun | undefined,
  { uid, gid }: Pick<UserIdLease, 'uid' | 'gid'>,
): readonly string[] {
  const { userId = 0, groupId = 0 } = upstream?.runtimeConfig ?? {};
  const unmet = [
    ...(userId !== 0 && userId !== uid ? [`userId ${userId}`] : []),
    ...(groupId !== 0 && groupId !== gid ? [`groupId ${groupId}`] : []),
  ];
  if (unmet.length === 0) return [];
  return [`runtimeConfigObject: ${unmet.join(' and ')} not taken: the app has ${uid}:${gid} (setting userIds.honour)`];
}

const notListed = (member: 'userId' | 'groupId', id: number): RuntimeError =>
  new RuntimeError('PERMISSION_DENIED', {
    what: `runtimeConfigObject.${member} ${id}: not an id that this device lists for apps`,
    next: 'add it to userIds.shared (ids that several apps may have), widen userIds.first and userIds.last, or set userIds.honour to false',
    details: { member },
  });
