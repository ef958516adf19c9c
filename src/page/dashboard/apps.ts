/** The apps, as `list` tells them and events change them. */
import { computed, signal } from '@preact/signals';
import type { AppSummary, State } from '../../client/browser.ts';
import { onEvent } from './feed.ts';
import { manager, phase } from './session.ts';

const POLL_MS = 3000;
/** Many events at once lead to one question. */
const SETTLE_MS = 120;

export const apps = signal<readonly AppSummary[] | undefined>(undefined);

export type Filter = 'living' | 'running' | 'suspended' | 'hibernated' | 'ended';
export const filter = signal<Filter>('living');
export const search = signal('');
export type Order = 'name' | 'memory' | 'newest';
export const order = signal<Order>('name');

const IN_FILTER: Readonly<Record<Filter, (state: State) => boolean>> = {
  living: (state) => state !== 'TERMINATED',
  running: (state) => state === 'RUNNING' || state === 'STARTING' || state === 'WAKING',
  suspended: (state) => state === 'SUSPENDED',
  hibernated: (state) => state === 'HIBERNATED' || state === 'HIBERNATING',
  ended: (state) => state === 'TERMINATED',
};

const BY: Readonly<Record<Order, (a: AppSummary, b: AppSummary) => number>> = {
  name: (a, b) => a.appInstanceId.localeCompare(b.appInstanceId, 'en', { numeric: true }),
  memory: (a, b) => (b.memory?.usageBytes ?? 0) - (a.memory?.usageBytes ?? 0),
  newest: (a, b) => (b.startedAt ?? '').localeCompare(a.startedAt ?? ''),
};

export const shown = computed(() => {
  const words = search.value.toLowerCase().split(/\s+/);
  return (apps.value ?? [])
    .filter(({ state }) => IN_FILTER[filter.value](state))
    .filter(({ appId, appInstanceId }) =>
      words.every((word) => `${appInstanceId} ${appId}`.toLowerCase().includes(word)),
    )
    .sort(BY[order.value]);
});

export const counts = computed(() => {
  const all = apps.value ?? [];
  const count = (name: Filter) => all.filter(({ state }) => IN_FILTER[name](state)).length;
  return {
    living: count('living'),
    running: count('running'),
    suspended: count('suspended'),
    hibernated: count('hibernated'),
    ended: count('ended'),
  };
});

export const appOf = (id: string): AppSummary | undefined =>
  apps.value?.find(({ appInstanceId }) => appInstanceId === id);

/** Ended ones are many and change seldom: they are asked for when one has ended or begun, and now and then as some are forgotten. */
const ENDED_MS = 30_000;
let endedAskedAt = Number.NEGATIVE_INFINITY;

let asking: Promise<void> | undefined;

/** One question at a time; who asks meanwhile waits for the answer to it. */
export function refreshApps(): Promise<void> {
  const all = performance.now() - endedAskedAt > ENDED_MS;
  asking ??= manager()
    .list({ all })
    .then(
      (list) => {
        apps.value = all ? list : withEnded(list);
        if (all) endedAskedAt = performance.now();
      },
      // the connection has its own banner, and the next look comes soon
      () => undefined,
    )
    .finally(() => (asking = undefined));
  return asking;
}

function withEnded(living: readonly AppSummary[]): readonly AppSummary[] {
  const known = new Set(living.map(({ appInstanceId }) => appInstanceId));
  const ended = (apps.peek() ?? []).filter(
    ({ state, appInstanceId }) => state === 'TERMINATED' && !known.has(appInstanceId),
  );
  return [...living, ...ended];
}

export function keepApps(): void {
  let settling = false;
  onEvent((event) => {
    if (event.type === 'stateChanged') {
      if (event.new === 'TERMINATED' || event.old === 'TERMINATED') endedAskedAt = Number.NEGATIVE_INFINITY;
      apps.value = apps.value?.map((app) =>
        app.appInstanceId === event.appInstanceId ? { ...app, state: event.new } : app,
      );
    }
    if (settling) return;
    settling = true;
    setTimeout(() => {
      settling = false;
      void refreshApps();
    }, SETTLE_MS);
  });
  setInterval(() => {
    if (phase.value === 'live' && document.visibilityState === 'visible') void refreshApps();
  }, POLL_MS);
}
