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

/** Who calls often calls the same few methods. */
const KNOWN = new Map<string, Designator>();
const MAX_KNOWN = 256;
const MAX_KNOWN_LENGTH = 100;

export function readDesignator(text: string): Designator {
  const known = KNOWN.get(text);
  if (known !== undefined) return known;
  const designator = parseDesignator(text);
  if (KNOWN.size < MAX_KNOWN && text.length <= MAX_KNOWN_LENGTH) KNOWN.set(text, designator);
  return designator;
}

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
