/** What is wrong now, as the daemon knows it. */
import { computed, effect, signal } from '@preact/signals';
import type { Health, Problem } from '../../domain/health.ts';
import { onEvent } from './feed.ts';
import { manager, phase } from './session.ts';

const POLL_MS = 10_000;
/** Many events at once lead to one question. */
const SETTLE_MS = 250;

export const health = signal<Health | undefined>(undefined);

/** By key, since when that was what was put aside: when it comes anew it is shown again. */
const aside = signal<ReadonlyMap<string, string | null>>(new Map());

/** Of its kind there is one for each instance. */
export const keyOf = ({ code, appInstanceId }: Problem): string => `${code}/${appInstanceId ?? ''}`;

export const problems = computed(() =>
  (health.value?.problems ?? []).filter((problem) => {
    const known = aside.value.get(keyOf(problem));
    return known === undefined || known !== problem.since;
  }),
);

export const putAside = (problem: Problem): void => {
  aside.value = new Map([...aside.value, [keyOf(problem), problem.since]]);
};

async function look(): Promise<void> {
  try {
    health.value = await manager().getHealth({});
    // what was mended meanwhile is told when it happens again
    const there = new Set(health.value.problems.map(keyOf));
    if ([...aside.peek().keys()].some((key) => !there.has(key))) {
      aside.value = new Map([...aside.peek()].filter(([key]) => there.has(key)));
    }
  } catch {
    // the connection has its own banner, and the next look comes soon
  }
}

export function keepHealth(): void {
  let settling = false;
  onEvent(() => {
    if (settling) return;
    settling = true;
    setTimeout(() => {
      settling = false;
      void look();
    }, SETTLE_MS);
  });
  effect(() => {
    if (phase.value === 'live') void look();
  });
  setInterval(() => {
    if (phase.value === 'live' && document.visibilityState === 'visible') void look();
  }, POLL_MS);
}
