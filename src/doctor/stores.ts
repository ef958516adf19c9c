/** Room on the disk, and user ids that nobody else has. */
import type { StatsFs } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '../domain/health.ts';
import { formatSize } from '../domain/size.ts';
import { fail, failed, ok, warn, type Check, type Patient } from './place.ts';

const LOW_BYTES = 256 * 2 ** 20;
/** Less does not hold the journal, logs and one small image. */
const LEAST_BYTES = 16 * 2 ** 20;
/** A hibernation image alone has some twenty. */
const LEAST_FILES = 100;

export const examineDisk: Check = async ({ places }) => {
  try {
    const { bavail, bsize, files, ffree } = await statfsOf(places.state);
    const free = bavail * bsize;
    // some file systems (btrfs) count none
    const isShortOfFiles = files > 0 && ffree < LEAST_FILES;
    const what = `the disk of ${places.state} has ${formatSize(free)} free${isShortOfFiles ? `, and room for ${ffree} files` : ''}`;
    if (free >= LOW_BYTES && !isShortOfFiles) return [ok('disk', what)];
    return [
      (free < LEAST_BYTES || isShortOfFiles ? fail : warn)('disk', {
        what,
        why: 'images of hibernated apps, logs and the journal lie there: operations fail with NO_SPACE when it is full',
        next: `make room: wake or terminate what sleeps (runtimectl ps), empty storage that nobody needs (runtimectl storage ls), or move ${places.state} to a larger disk`,
      }),
    ];
  } catch (error) {
    return [failed('disk', error)];
  }
};

/** Of the nearest directory that is there: before the first start there is none. */
async function statfsOf(path: string): Promise<StatsFs> {
  try {
    return await statfs(path);
  } catch (error) {
    if (path === '/') throw error;
    return statfsOf(dirname(path));
  }
}

type Range = { readonly name: string; readonly first: number; readonly last: number };

const rangesOf = ({ config: { userIds } }: Patient): readonly Range[] => [
  { name: 'userIds', first: userIds.first, last: userIds.last },
  { name: 'userIds.rootOffset', first: userIds.first + userIds.rootOffset, last: userIds.last + userIds.rootOffset },
];

/** `name:password:id…` of passwd(5) and group(5), `name:first:count` of subuid(5). */
async function linesOf(file: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(':'));
}

export const examineUserIds: Check = async (patient) => {
  const [users, groups, subordinates, map] = await Promise.all(
    ['/etc/passwd', '/etc/group', '/etc/subuid', '/proc/self/uid_map'].map(async (file) => linesOf(file)),
  );
  const ranges = rangesOf(patient);
  const taken = ranges.flatMap(({ name, first, last }) =>
    [...(users ?? []), ...(groups ?? [])]
      .filter(([, , id]) => Number(id) >= first && Number(id) <= last)
      .map(([owner = '', , id = '']) => `${owner} (${id}) in ${name}`),
  );
  const delegated = ranges.flatMap(({ name, first, last }) =>
    (subordinates ?? [])
      .filter(([, from, count]) => Number(from) <= last && Number(from) + Number(count) > first)
      .map(([owner = '', from = '', count = '']) => `${owner} (${from}:${count}) in ${name}`),
  );
  const [range] = ranges;
  const said = `user ids ${range?.first ?? 0} to ${range?.last ?? 0} for ${(range?.last ?? 0) - (range?.first ?? 0) + 1} apps`;
  return [
    ...(taken.length > 0
      ? [fail('user ids', { what: `${said}: some belong to others: ${taken.slice(0, 3).join(', ')}`, ...SHARED })]
      : []),
    ...(delegated.length > 0
      ? [
          warn('user ids', {
            what: `${said}: some are given to others: ${delegated.slice(0, 3).join(', ')}`,
            ...SHARED,
          }),
        ]
      : []),
    ...(taken.length + delegated.length === 0 ? [ok('user ids', said)] : []),
    ...unmapped(map ?? [], ranges),
  ];
};

const SHARED = {
  why: 'an app with the same id could touch their files, and they its',
  next: 'choose ids that nobody has: userIds.first, userIds.last and userIds.rootOffset in the configuration (getent passwd, /etc/subuid)',
};

/** In a user namespace (a container) not every id is there. user_namespaces(7): `inside outside count`. */
function unmapped(lines: readonly (readonly string[])[], ranges: readonly Range[]): readonly Finding[] {
  const maps = lines.map(([line = '']) => line.trim().split(/\s+/).map(Number));
  const isThere = (id: number): boolean => maps.some(([from = 0, , count = 0]) => id >= from && id < from + count);
  const missing = ranges.filter(({ first, last }) => maps.length > 0 && !(isThere(first) && isThere(last)));
  if (missing.length === 0) return [];
  return [
    fail('user ids', {
      what: `${missing.map(({ name }) => name).join(' and ')}: these ids do not exist here`,
      why: 'this runs in a user namespace that has others (/proc/self/uid_map)',
      next: 'give the container the ids, or choose others with userIds in the configuration',
    }),
  ];
}
