/** Thunder's names of methods: `[callsign.][version.][prefix#instance::]method[@index]` (facts/thunder.md §1.3). */

export type Designator = {
  /** Undefined when the method stands alone: the endpoint's own service is meant. */
  readonly callsign: string | undefined;
  readonly version: number | undefined;
  readonly method: string;
  readonly index: string | undefined;
  /** Of R5's objects: `prefix#instance`. */
  readonly object?: string;
};

/** The callsign may contain dots; the version is an all-digits part right before the method; the last `@` begins the index. */
export function parseDesignator(text: string): Designator {
  const object = text.includes('::') ? /([^.#]*#.*)::[^:]*$/.exec(text)?.[1] : undefined;
  if (object !== undefined) return { ...parseDesignator(text.replace(`${object}::`, '')), object };
  const at = text.lastIndexOf('@');
  const parts = (at === -1 ? text : text.slice(0, at)).split('.');
  const method = parts.pop() ?? '';
  const last = parts.at(-1);
  const version = last !== undefined && /^\d{1,9}$/.test(last) ? Number(parts.pop()) : undefined;
  return {
    callsign: parts.length === 0 ? undefined : parts.join('.'),
    version,
    method,
    index: at === -1 ? undefined : text.slice(at + 1),
  };
}
