/** What `top` shows of each app, from two looks at it. */
import type { AppInfo } from '../../domain/info.ts';
import { formatSize } from '../../domain/size.ts';
import { isAlive } from '../../domain/states.ts';
import { age } from '../words.ts';

export type Row = {
  readonly info: AppInfo;
  /** Of one core, since the look before; null where nothing ran in between. */
  readonly cpuPercent: number | null;
};

export type Look = { readonly atMs: number; readonly apps: readonly AppInfo[] };

export function rowsOf(before: Look | undefined, now: Look): readonly Row[] {
  const old = new Map(before?.apps.map((info) => [info.appInstanceId, info]));
  const passedNs = (now.atMs - (before?.atMs ?? now.atMs)) * 1e6;
  return now.apps
    .filter(({ state }) => isAlive(state))
    .map((info) => {
      const was = old.get(info.appInstanceId);
      // another life has counted from 0
      const same = was?.pid === info.pid;
      const used = same && was.cpu !== null && info.cpu !== null ? info.cpu.usageNs - was.cpu.usageNs : null;
      return { info, cpuPercent: used === null || used < 0 || passedNs <= 0 ? null : (used / passedNs) * 100 };
    });
}

export const SORTS = ['cpu', 'memory', 'name', 'state', 'age'] as const;
export type Sort = (typeof SORTS)[number];

type Key = (row: Row) => number | string;

/** Large first for figures, A first for words. */
const KEYS: Readonly<Record<Sort, Key>> = {
  cpu: ({ cpuPercent }) => -(cpuPercent ?? -1),
  memory: ({ info }) => -(info.memory?.usageBytes ?? -1),
  name: ({ info }) => info.appInstanceId,
  state: ({ info }) => info.state,
  age: ({ info }) => -Date.parse(info.startedAt ?? info.createdAt),
};

/** Of equal ones by name, so that rows do not jump. */
export function sorted(rows: readonly Row[], sort: Sort): readonly Row[] {
  const key = KEYS[sort];
  const before = (one: number | string, other: number | string): number => (one < other ? -1 : one > other ? 1 : 0);
  return rows.toSorted(
    (one, other) => before(key(one), key(other)) || before(one.info.appInstanceId, other.info.appInstanceId),
  );
}

export const HEAD = ['INSTANCE', 'APP', 'STATE', 'CPU', 'MEMORY', 'LIMIT', 'PROC', 'IMAGE', 'AGE'] as const;

const size = (bytes: number | null | undefined): string =>
  bytes === null || bytes === undefined ? '-' : formatSize(bytes);

export function cellsOf({ info, cpuPercent }: Row, nowMs: number): readonly string[] {
  const { appInstanceId, appId, state, memory, pids, hibernation, startedAt, operation } = info;
  return [
    appInstanceId,
    appId,
    operation === null ? state : `${state} (${operation})`,
    cpuPercent === null ? '-' : `${cpuPercent.toFixed(1)} %`,
    size(memory?.usageBytes),
    size(memory?.limitBytes),
    pids === null ? '-' : String(pids.current),
    size(hibernation.image?.sizeBytes),
    startedAt === null ? '-' : age(startedAt, nowMs),
  ];
}

/** For programs: one object an app. */
export const dataOf = ({ info, cpuPercent }: Row) => ({
  appId: info.appId,
  appInstanceId: info.appInstanceId,
  state: info.state,
  operation: info.operation,
  cpuPercent,
  memory: info.memory,
  pids: info.pids,
  imageBytes: info.hibernation.image?.sizeBytes ?? null,
  startedAt: info.startedAt,
});

/** In words: `5 apps: 3 RUNNING, 2 HIBERNATED; memory 120.0 MB; images 40.0 MB`. */
export function totals(rows: readonly Row[]): string {
  const states = Map.groupBy(rows, ({ info }) => info.state);
  const counts = [...states].map(([state, some]) => `${some.length} ${state}`).join(', ');
  const sum = (bytes: (row: Row) => number): string => formatSize(rows.reduce((all, row) => all + bytes(row), 0));
  const memory = sum(({ info }) => info.memory?.usageBytes ?? 0);
  const images = sum(({ info }) => info.hibernation.image?.sizeBytes ?? 0);
  return `${rows.length} app${rows.length === 1 ? '' : 's'}${counts === '' ? '' : `: ${counts}`}; memory ${memory}; images ${images}`;
}
