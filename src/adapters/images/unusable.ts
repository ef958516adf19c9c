/** The refusal of an image: never a guess, never half a wake. */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';

type Refusal = {
  readonly id: ContainerId;
  readonly directory: string;
  /** What is wrong with it, as a clause. */
  readonly why: string;
  readonly next?: string;
  readonly files?: readonly string[];
};

export const START_ANEW = 'terminate the app, which deletes the image, and run it again';

export function unusable({ id, directory, why, next = START_ANEW, files }: Refusal): RuntimeError {
  return new RuntimeError('IMAGE_UNUSABLE', {
    what: `the hibernation image of ${id} cannot be used`,
    next: next === START_ANEW ? next : `${next}; or ${START_ANEW}`,
    details: { directory, ...(files !== undefined && { files }) },
    cause: why,
  });
}

const NAMED = 3;

/** `a.img`, `a.img and b.img`, `a.img, b.img, c.img and 4 more`. */
export function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, NAMED);
  const more = names.length - shown.length;
  const last = more > 0 ? `${more} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} and ${last ?? ''}`;
}
