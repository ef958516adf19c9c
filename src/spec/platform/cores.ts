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

/** All that checked text names. */
export const coresIn = (text: string): readonly number[] => [
  ...new Set(
    rangesIn(text).flatMap(([first, last]) =>
      Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i),
    ),
  ),
];

function namedIn(text: string, all: readonly number[]): readonly number[] {
  return all.filter((core) => rangesIn(text).some(([first, last]) => core >= first && core <= last));
}

const rangesIn = (text: string): readonly (readonly [first: number, last: number])[] =>
  partsOf(text).flatMap((part) => (part === null ? [] : [[Number(part[1]), Number(part[2] ?? part[1])] as const]));
