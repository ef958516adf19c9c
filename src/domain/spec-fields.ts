/** A specification as a flat list of its fields, so that two can be compared and each field can be spoken of. */

type Item = Readonly<Record<string, unknown>>;

/** Items of these lists are known by a name, not by their place: a variable that comes first does not rename the rest. */
const NAMES: readonly (readonly [list: RegExp, nameOf: (item: unknown) => string | undefined])[] = [
  [/(^|\.)env$/, (item) => (typeof item === 'string' ? /^([^=]+)=/.exec(item)?.[1] : undefined)],
  [/(^|\.)mounts$/, (item) => textOf((item as Item)['destination'])],
  [/(^|\.)(namespaces|rlimits)$/, (item) => textOf((item as Item)['type'])],
  [/(^|\.)plugins$/, (item) => textOf((item as Item)['name'])],
];

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Only of these lists is each plain item a field: different layers add to them. Nobody reads 300 rows of system calls. */
const ITEMIZED = /(^|\.)(env|args|services)$/;

/** `process.env[PATH]` → value. Empty lists and objects are fields; other objects and lists are what they hold. */
export function fieldsOf(spec: object): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  walk(spec, '', fields);
  return fields;
}

function walk(value: unknown, path: string, fields: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) fields.set(path, value);
    return;
  }
  const entries = Array.isArray(value) ? itemsOf(value, path) : membersOf(value as Item, path);
  if (entries.length === 0 || (Array.isArray(value) && isOne(value, path))) fields.set(path, value);
  else for (const [inner, item] of entries) walk(item, inner, fields);
}

type Entry = readonly [path: string, value: unknown];

const membersOf = (value: Item, path: string): readonly Entry[] =>
  Object.entries(value).map(([name, item]) => [path === '' ? name : `${path}.${name}`, item]);

const isOne = (list: readonly unknown[], path: string): boolean =>
  !ITEMIZED.test(path) && list.every((item) => typeof item !== 'object');

function itemsOf(list: readonly unknown[], path: string): readonly Entry[] {
  const nameOf = NAMES.find(([pattern]) => pattern.test(path))?.[1];
  const seen = new Set<string>();
  return list.map((item, index) => {
    const name = typeof item === 'object' && item === null ? undefined : nameOf?.(item);
    const key = name === undefined || seen.has(name) ? String(index) : name;
    seen.add(key);
    return [`${path}[${key}]`, key === name ? valueOf(item, name) : item];
  });
}

/** A variable's name stands in the path already. */
const valueOf = (item: unknown, name: string): unknown =>
  typeof item === 'string' ? item.slice(name.length + 1) : item;

export type Difference = { readonly path: string; readonly before: unknown; readonly after: unknown };

/** What is in one and not, or not so, in the other; `undefined` where it is not. */
export function differences(before: object, after: object): readonly Difference[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const paths = new Set([...old.keys(), ...now.keys()]);
  return [...paths]
    .map((path) => ({ path, before: old.get(path), after: now.get(path) }))
    .filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after));
}
