/** Figures of a sample. */
export const sorted = (values: readonly number[]): readonly number[] => values.toSorted((one, other) => one - other);

/** Nearest rank: `share` 0.5 is the median. */
export function percentile(values: readonly number[], share: number): number {
  const rank = Math.max(0, Math.ceil(share * values.length) - 1);
  return sorted(values)[rank] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

const WARM_UP = 3;

/** Alternating, so that whatever else the machine does hits both. */
export async function alternate(
  rounds: number,
  ours: (i: number) => Promise<number>,
  theirs: (i: number) => Promise<number>,
) {
  const all: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let i = 0; i < rounds + WARM_UP; i++) {
    const [mine, other] = [await ours(i), await theirs(i)];
    if (i < WARM_UP) continue;
    all.ours.push(mine);
    all.theirs.push(other);
  }
  return { ours: median(all.ours), theirs: median(all.theirs) };
}
