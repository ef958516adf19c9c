/**
 * Counts what calls and events do. Plain numbers, counted from the start, so that nothing of what makes a page of metrics is
 * loaded where nobody asks for one.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { AppEvent, EventPage } from '../../domain/events.ts';

/** Upper edges, in seconds: a freeze takes milliseconds, a dump of a large app, or a grace period, many seconds. */
export const BUCKETS_S: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type Labels = Readonly<Record<string, string>>;

/** `buckets`: how many took at most as long as the edge of the same index, more than the one before it. */
export type Spread = { readonly labels: Labels; readonly buckets: number[]; sum: number; count: number };

/** A number for each set of labels; their values are from closed sets, so there are few. */
export class Tally {
  readonly #counts = new Map<string, { readonly labels: Labels; value: number }>();

  add(labels: Labels): void {
    const key = Object.values(labels).join(' ');
    const count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, { labels, value: 1 });
    else count.value++;
  }

  get all(): readonly { readonly labels: Labels; readonly value: number }[] {
    return [...this.#counts.values()];
  }
}

export class Meter {
  readonly operations = new Tally();
  readonly events = new Tally();
  readonly ends = new Tally();
  /** Events that were written and never told: their numbers were passed over. */
  missed = 0;
  /** Answers that had to say that some of the events asked for are no longer kept. */
  gaps = 0;
  refused = 0;
  readonly #durations = new Map<string, Spread>();
  #lastSeq: number | undefined;

  get durations(): readonly Spread[] {
    return [...this.#durations.values()];
  }

  /** `failure` undefined: it succeeded. */
  operation(name: string, { ms, failure }: { readonly ms: number; readonly failure: unknown }): void {
    const code = failure === undefined ? 'OK' : RuntimeError.of(failure).code;
    this.operations.add({ operation: name, outcome: code });
    const spread = this.#spread(name, failure === undefined ? 'ok' : 'failed');
    const seconds = ms / 1000;
    const index = BUCKETS_S.findIndex((edge) => seconds <= edge);
    if (index !== -1) spread.buckets[index] = (spread.buckets[index] ?? 0) + 1;
    spread.sum += seconds;
    spread.count++;
  }

  #spread(operation: string, result: 'ok' | 'failed'): Spread {
    const key = `${operation} ${result}`;
    const known = this.#durations.get(key);
    if (known !== undefined) return known;
    const made: Spread = { labels: { operation, result }, buckets: BUCKETS_S.map(() => 0), sum: 0, count: 0 };
    this.#durations.set(key, made);
    return made;
  }

  event(event: AppEvent): void {
    if (this.#lastSeq !== undefined) this.missed += Math.max(0, event.seq - this.#lastSeq - 1);
    this.#lastSeq = event.seq;
    this.events.add({ type: event.type });
    if (event.type === 'terminated') this.ends.add({ cause: event.exit.cause });
  }

  page({ firstSeq }: EventPage, since: number): void {
    if (firstSeq > since + 1) this.gaps++;
  }
}
