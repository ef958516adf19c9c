/** For each member of a schema values that it must refuse, found by asking it. */
import * as z from 'zod';

type Json = {
  readonly type?: string;
  readonly anyOf?: readonly Json[];
  readonly properties?: Readonly<Record<string, Json>>;
  readonly items?: Json;
  readonly additionalProperties?: Json | boolean;
};
export type Keys = readonly (string | number)[];
export type Wrong = { readonly keys: Keys; readonly value: unknown };

const CANDIDATES: readonly unknown[] = [
  null,
  true,
  'x\0y',
  'not a path',
  '../..',
  -1,
  0.5,
  2 ** 60,
  Number.MAX_VALUE,
  [],
  [null],
  ['\0'],
  {},
  { unheard: 1 },
];

/** Every member, also in lists and records, with the candidates. `lead`: how to get there in a value that is right. */
function* membersOf(json: Json, keys: Keys = []): Generator<Keys> {
  for (const [name, member] of Object.entries(json.properties ?? {})) {
    yield [...keys, name];
    yield* membersOf(member, [...keys, name]);
  }
  for (const branch of json.anyOf ?? []) yield* membersOf(branch, keys);
  if (json.items !== undefined) {
    yield [...keys, 0];
    yield* membersOf(json.items, [...keys, 0]);
  }
  if (typeof json.additionalProperties === 'object') yield [...keys, 'any'];
}

/** All pairs of a member and a value that the schema refuses there, and a stranger in each object. */
export function wrongValues(schema: z.ZodType, base: object): readonly Wrong[] {
  const json = z.toJSONSchema(schema, { io: 'input' }) as Json;
  const places = [...new Map([...membersOf(json)].map((keys) => [keys.join('/'), keys])).values()];
  const strangers = [[], ...places].map((keys): Keys => [...keys, 'unheardOf']);
  return [
    ...places.flatMap((keys) => CANDIDATES.map((value) => ({ keys, value }))),
    ...strangers.map((keys) => ({ keys, value: 1 })),
  ].filter((wrong) => !schema.safeParse(withValue(base, wrong)).success);
}

/** A copy with the value at its place; what is missing on the way is made. */
export function withValue(base: object, { keys, value }: Wrong): unknown {
  const copy: unknown = structuredClone(base);
  let at = copy as Record<string | number, unknown>;
  for (const [index, key] of keys.entries()) {
    if (index === keys.length - 1) at[key] = value;
    else {
      const next = at[key];
      if (typeof next !== 'object' || next === null) at[key] = typeof keys[index + 1] === 'number' ? [] : {};
      at = at[key] as Record<string | number, unknown>;
    }
  }
  return copy;
}
