/** Faults of the Dobby for tests, as switches (facts/dobby.md). */

/** Each is what some Dobby does. */
export type Faults = {
  /** `Hibernate` answers true, and the app runs again soon, without a word. */
  hibernatesNothing: boolean;
  /** As of a memcr that was started without -N: it does not reach the app, and kills it (memcr.c, checkpoint_worker: "Killing the target app"). */
  killsAtHibernation: boolean;
  /** A hibernation comes to no end. */
  hibernatesForEver: boolean;
  /** The reply to a start comes after the app has ended. */
  repliesAfterEnd: boolean;
  /** An app that ends is started again under the same number: Started, Started, StoppedWithStatus, Stopped (restartOnCrash). */
  restartsByItself: boolean;
  /** Ends are not told. */
  tellsNoEnds: boolean;
  /** Read-only mounts are made read-write, and nobody is told. */
  ignoresReadOnly: boolean;
  /** The worker stands still with the next start, until the wire is released. */
  hangsAtStart: boolean;
  /** Starts are refused. */
  refusesStarts: boolean;
};

/** What one hopes for. */
export const GOOD: Faults = {
  ...{ hibernatesNothing: false, killsAtHibernation: false, hibernatesForEver: false, repliesAfterEnd: false },
  ...{ restartsByItself: false, tellsNoEnds: false, ignoresReadOnly: true, refusesStarts: false, hangsAtStart: false },
};
