/** Which layer set which field, written down by the very statement that sets it. */
import { fieldsOf } from '../domain/spec-fields.ts';
import type { ExplainedField, Layer, Origin } from '../domain/spec.ts';

export type { Layer, Origin } from '../domain/spec.ts';

export const DEFAULT: Origin = { layer: 'default', by: null };
export const from = (layer: Layer, by: string): Origin => ({ layer, by });
/** What the daemon hands to this instance, and to no other. */
export const leased = (what: string): Origin => from('default', `lease: ${what}`);

/** A value with the one who gave it; candidates stand in the order in which they win. */
export type Candidate<Value> = readonly [value: Value | undefined, origin: Origin];

/** Paths as `fieldsOf` writes them; a path stands for everything below it that has no origin of its own. */
export class Origins {
  readonly #known = new Map<string, Origin>();

  set(path: string, origin: Origin): void {
    this.#known.set(path, origin);
  }

  /** What was said of anything below: the whole was replaced. */
  forget(path: string): void {
    for (const known of this.#known.keys()) {
      if (known.startsWith(path) && ['.', '['].includes(known[path.length] ?? '')) this.#known.delete(known);
    }
  }

  /** The first value that is there; remembered at `path`. */
  choose<Value>(path: string, candidates: readonly Candidate<Value>[]): Value | undefined {
    const chosen = candidates.find(([value]) => value !== undefined);
    if (chosen === undefined) return undefined;
    this.set(path, chosen[1]);
    return chosen[0];
  }

  /** Undefined where nobody said anything. */
  find(path: string): Origin | undefined {
    for (let end = path.length; end > 0; end = parentEnd(path, end)) {
      const origin = this.#known.get(path.slice(0, end));
      if (origin !== undefined) return origin;
    }
    return undefined;
  }

  of(path: string): Origin {
    return this.find(path) ?? DEFAULT;
  }

  /** Every field of a result with the layer that set it. */
  explain(spec: object): readonly ExplainedField[] {
    return [...fieldsOf(spec)].map(([path, value]) => ({ path, value, ...this.of(path) }));
  }
}

/** Where the path of what is around it ends. A name in brackets may hold dots and is one step. */
function parentEnd(path: string, end: number): number {
  if (path[end - 1] === ']') return path.lastIndexOf('[', end - 1);
  return Math.max(path.lastIndexOf('.', end - 1), path.lastIndexOf(']', end - 1) + 1);
}
