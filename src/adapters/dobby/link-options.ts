/** What the way to Dobby is made of, and what goes over it. */
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Bus, BusSignal } from './bus.ts';

export type LinkOptions = {
  /** Throws when the bus does not answer. */
  readonly connect: () => Promise<Bus>;
  /** For people. */
  readonly address: string;
  readonly service: string;
  readonly object: string;
  readonly callTimeoutMs: number;
  /** Until the first call after an owner was found: one that comes before it serves costs it a reply slot for good. */
  readonly settleMs: number;
  /** The same for one that has just come, if it does not say `Ready`. */
  readonly readyMs: number;
  /** How long a process runs already, in ms; undefined when that cannot be seen. */
  readonly ageOf: (pid: number) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
};

export type Answers = {
  readonly heard: (signal: BusSignal & { readonly life: string }) => void;
  /** This life is over, and every container of it. */
  readonly lost: (life: string) => void;
  readonly serves: (life: string) => void;
};

export type Question = {
  readonly method: string;
  readonly signature: string;
  readonly body: readonly unknown[];
  /** Whose descriptor is in the body; whoever serves when absent. */
  readonly life?: string | undefined;
  /** An answer that came when nobody waited for it any more. */
  readonly late?: ((values: readonly unknown[]) => void) | undefined;
};
