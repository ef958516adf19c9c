/** Chance that can be repeated. */
import { randomInt } from 'node:crypto';

/** Numbers from a seed, so that a campaign that failed can be repeated. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  // mulberry32
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export const newSeed = (): number => randomInt(2 ** 31);

export type Random = ReturnType<typeof randomNumbers>;
