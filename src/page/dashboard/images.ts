/** How much disk the images of hibernated apps take: each app is asked once, and again now and then, as images are compressed. */
import { computed, effect, signal } from '@preact/signals';
import { apps } from './apps.ts';
import { manager, phase } from './session.ts';

const AGAIN_MS = 90_000;
const AT_ONCE = 20;

type Known = { readonly sizeBytes: number; readonly at: number };

const sizes = signal<ReadonlyMap<string, Known>>(new Map());

const sleepers = computed(() =>
  (apps.value ?? []).filter(({ state }) => state === 'HIBERNATED').map(({ appInstanceId }) => appInstanceId),
);

export const imageOf = (id: string): number | undefined => sizes.value.get(id)?.sizeBytes;

async function look(): Promise<void> {
  const now = Date.now();
  const asleep = new Set<string>(sleepers.peek());
  const kept = new Map([...sizes.peek()].filter(([id]) => asleep.has(id)));
  const due = [...asleep].filter((id) => now - (kept.get(id)?.at ?? 0) > AGAIN_MS).slice(0, AT_ONCE);
  if (due.length === 0 && kept.size === sizes.peek().size) return;
  const found = await Promise.all(
    due.map(async (id) => {
      const info = await manager()
        .getInfo({ appInstanceId: id })
        .catch(() => undefined);
      return [id, { sizeBytes: info?.hibernation.image?.sizeBytes ?? 0, at: now }] as const;
    }),
  );
  sizes.value = new Map([...kept, ...found]);
}

export function keepImages(): void {
  let looking = false;
  effect(() => {
    // each new list is a reason to look
    const count = sleepers.value.length + sizes.peek().size;
    if (count === 0 || phase.value !== 'live' || looking) return;
    looking = true;
    void look().finally(() => (looking = false));
  });
}
