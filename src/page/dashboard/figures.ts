/** What apps take, over time: asked for those that are seen, and only while the page is. */
import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { AppInfo } from '../../client/browser.ts';
import { isAlive } from '../../domain/states.ts';
import { appOf } from './apps.ts';
import { onEvent } from './feed.ts';
import { manager, phase } from './session.ts';

const POLL_MS = 2000;
/** Ten minutes. */
const MAX_SAMPLES = 300;

export type Sample = {
  /** Of this page's clock, in s since 1970, as uPlot wants them. */
  readonly at: number;
  readonly memoryBytes: number | null;
  /** Of one core: 1.5 is one and a half. */
  readonly cpu: number | null;
};

export type Figures = { readonly info: AppInfo; readonly samples: readonly Sample[] };

type Watched = { readonly figures: Signal<Figures | undefined>; watchers: number; asking: boolean };

const watched = new Map<string, Watched>();

function rowOf(id: string): Watched {
  const known = watched.get(id);
  if (known !== undefined) return known;
  const made: Watched = { figures: signal(undefined), watchers: 0, asking: false };
  watched.set(id, made);
  return made;
}

/** The figures of an app, kept fresh while `isSeen`. */
export function useFigures(id: string, isSeen = true): Figures | undefined {
  useEffect(() => {
    if (!isSeen) return undefined;
    const row = rowOf(id);
    row.watchers += 1;
    void refreshFigures(id);
    return () => {
      row.watchers -= 1;
    };
  }, [id, isSeen]);
  return rowOf(id).figures.value;
}

export async function refreshFigures(id: string): Promise<void> {
  const row = rowOf(id);
  if (row.asking) return;
  row.asking = true;
  try {
    const info = await manager().getInfo({ appInstanceId: id });
    const samples = row.figures.value?.samples ?? [];
    row.figures.value = { info, samples: [...samples, sampleOf(info, row.figures.value)].slice(-MAX_SAMPLES) };
  } catch {
    // it is gone, or the connection is: both are seen elsewhere
  } finally {
    row.asking = false;
  }
}

function sampleOf({ memory, cpu }: AppInfo, before: Figures | undefined): Sample {
  const at = Date.now() / 1000;
  const sample = { at, memoryBytes: memory?.usageBytes ?? null };
  const last = before?.samples.at(-1);
  const used = (cpu?.usageNs ?? Number.NaN) - (before?.info.cpu?.usageNs ?? Number.NaN);
  // after a restart of the app it counts from zero again
  const isKnown = last !== undefined && used >= 0 && at > last.at;
  return { ...sample, cpu: isKnown ? used / 1e9 / (at - last.at) : null };
}

export function keepFigures(): void {
  setInterval(() => {
    if (phase.value !== 'live' || document.visibilityState !== 'visible') return;
    for (const [id, { watchers }] of watched) {
      if (watchers > 0) void refreshFigures(id);
      else if (!isAlive(appOf(id)?.state ?? 'TERMINATED')) watched.delete(id);
    }
  }, POLL_MS);
  onEvent(({ appInstanceId }) => {
    if ((watched.get(appInstanceId)?.watchers ?? 0) > 0) void refreshFigures(appInstanceId);
  });
}
