/** Sets of processor cores as RDK writes them. */

/** Upstream's set has 32 places. */
const MOST_CORES = 32;
const PART = /^(\d{1,4})(?:-(\d{1,4}))?$/;

const partsOf = (text: string): readonly (RegExpExecArray | null)[] =>
  text.split(',').map((part) => PART.exec(part.trim()));

export const isCoreList = (text: string): boolean => text.trim() === '' || partsOf(text).every((part) => part !== null);

/** Of a bit mask, or of checked text like `0-3,8-11`; what lies beyond core 31 is left out. Null: every core. */
export function coresOf(set: number | string | undefined): readonly number[] | null {
  const all = Array.from({ length: MOST_CORES }, (_, core) => core);
  const chosen = typeof set === 'number' ? all.filter((core) => (set / 2 ** core) % 2 >= 1) : namedIn(set ?? '', all);
  return chosen.length === 0 ? null : chosen;
}

function namedIn(text: string, all: readonly number[]): readonly number[] {
  const ranges = partsOf(text).flatMap((part) =>
    part === null ? [] : [[Number(part[1]), Number(part[2] ?? part[1])]],
  );
  return all.filter((core) => ranges.some(([first = 0, last = 0]) => core >= first && core <= last));
}
