/** The daemon's own directories and files: somebody may remove or replace them while it runs. */
import type { DeviceProblem } from '../domain/health.ts';
import type { ContainerId } from '../domain/ids.ts';

export type OwnPlaces = {
  /**
   * Makes each directory again that is gone, with the owner and mode that it had. `living`: of the apps that run. Returns what was
   * found by this look.
   */
  readonly look: (living: readonly ContainerId[]) => readonly DeviceProblem[];
  /** What is still wrong, and what was found in the last hour. */
  readonly problems: () => readonly DeviceProblem[];
};
