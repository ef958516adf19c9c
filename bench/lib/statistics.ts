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
