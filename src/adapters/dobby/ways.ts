/**
 * The ways to Dobby: the bus that it is on, or a plugin of Thunder that asks it for us. All of the engine is the same on both; what
 * is not stands in one table.
 */
import type { Wait } from '../../ports/wait.ts';

/** What the engine wants of a way besides its calls. */
export type Way = {
  /** Where it leads, for people. */
  readonly at: string;
  /** Of the Dobby that is there now; null when nobody is; undefined when that cannot be known. */
  readonly life: string | null | undefined;
  /** The life that serves. Throws ENGINE_UNAVAILABLE when there is none soon, ABORTED. */
  readonly serving: (wait: Wait) => Promise<string>;
  /** Of Dobby's process. Throws ENGINE_UNAVAILABLE. */
  readonly pidOf: (life: string) => Promise<number>;
  /** Whether a container, gone without a word, is gone with all others: then it was Dobby that has ended. */
  readonly lostWithOthers: (name: string) => boolean;
};

export type Traits = {
  /** As settings name it. */
  readonly engine: 'dobby' | 'ocicontainer';
  /** What Dobby does not know is not there. Not so where somebody between says the same while Dobby is away or hangs. */
  readonly isFirstHand: boolean;
  /** How long the word of an end may come after Dobby has forgotten the container, in ms. */
  readonly wordMs: number;
  /** One sentence each, after "cannot". */
  readonly cannot: readonly string[];
  /** What to do about a mount that was not made. */
  readonly afterMount: string;
};

export const BUS_TRAITS: Traits = {
  engine: 'dobby',
  isFirstHand: true,
  // signals and replies come in one row
  wordMs: 300,
  cannot: [],
  afterMount:
    'the destination must not exist yet, also not of an attempt that failed; unless Dobby was built with USE_OPEN_TREE_FOR_DYNAMIC_MOUNTS, dobby.liveMounts must be on when the app is run (docs/dobby.md)',
};

/** Source: facts/thunder.md §3.1, and the plugin's 1.0.8. */
export const PLUGIN_TRAITS: Traits = {
  engine: 'ocicontainer',
  isFirstHand: false,
  // an event waits for a thread of Thunder's, and for an answer of OMI
  wordMs: 2000,
  cannot: [
    'tell which signal has ended an app, or, with org.rdk.OCIContainer up to 1.0.8, how it has ended at all',
    'mount while an app runs, with org.rdk.OCIContainer up to 1.0.8',
    'tell a Dobby that is away, or hangs, from one without containers',
  ],
  afterMount:
    'org.rdk.OCIContainer up to 1.0.8 hands Dobby no flags, and Dobby mounts nothing without: mount it when the app is run, or use the engine dobby',
};
