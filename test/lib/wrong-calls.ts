/** Calls that are almost right, from the schemas of the methods: a new method is covered without a word here. */
import fc from 'fast-check';
import * as z from 'zod';
import { CALLSIGN, METHODS } from '../../src/domain/api.ts';

type Schema = {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly additionalProperties?: Schema | boolean;
};

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, '', 0, -1, 2 ** 53, 1e308, '\0', '../../..', '\u2028', 'x'.repeat(5000), [], {}, [
    [[]],
  ]),
  fc.constantFrom<unknown>('__proto__', { toString: 1 }, JSON.parse('{"__proto__":{"all":true}}')),
);

/** No id of an instance that lives. */
const text = fc.oneof(fc.constantFrom('fuzz', 'no-such-app'), fc.string({ maxLength: 40 }));

/** A value of the schema's form; what it says of ranges and patterns may be broken. */
function formed(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(formed));
  const plain: Readonly<Record<string, () => fc.Arbitrary<unknown>>> = {
    object: () => record(schema),
    array: () => fc.array(formed(schema.items ?? {}), { maxLength: 3 }),
    string: () => text,
    integer: () => fc.oneof(fc.integer(), fc.maxSafeInteger()),
    number: () => fc.double(),
    boolean: () => fc.boolean(),
    null: () => fc.constant(null),
  };
  return plain[schema.type ?? '']?.() ?? anything;
}

function record({ properties = {}, additionalProperties }: Schema): fc.Arbitrary<unknown> {
  if (Object.keys(properties).length === 0 && typeof additionalProperties === 'object') {
    return fc.dictionary(text, formed(additionalProperties), { maxKeys: 3 });
  }
  return fc.record(Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, formed(one)])), {
    requiredKeys: [],
  });
}

/** With one place of it spoilt, so that what is right everywhere else is looked at too. */
const spoilt = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.tuple(good, anything, fc.nat()).map(([value, bad, place]) => {
    const places = placesOf(value);
    const [target, key] = places[place % Math.max(places.length, 1)] ?? [];
    if (target === undefined || key === undefined) return bad;
    target[key] = bad;
    return value;
  });

type Place = readonly [Record<string, unknown>, string];

const placesOf = (value: unknown): readonly Place[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]): readonly Place[] => [
        [value as Record<string, unknown>, key],
        ...placesOf(inner),
      ]);

export type WrongCall = { readonly method: string; readonly params: unknown };

const ofMethods = Object.entries(METHODS).map(([method, { params }]) => {
  const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as Schema;
  const good = formed(schema);
  return fc.record({ method: fc.constant(method), params: fc.oneof(spoilt(good), anything) });
});

/** A method with parameters of which at least one is meant to be wrong. */
export const wrongCalls: fc.Arbitrary<WrongCall> = fc.oneof(...ofMethods);

const prefixes = [
  '',
  `${CALLSIGN}.`,
  `${CALLSIGN}.1.`,
  `${CALLSIGN}.2.`,
  `${CALLSIGN}.99999999999.`,
  'Controller.',
  'org.x.',
  '..',
];
const names = ['list', 'status', 'register', 'exists', '__proto__', 'constructor', 'nope', '', '@', 'x'.repeat(3000)];
const suffixes = ['', '@', '@x', '#1', '::', '#a::b'];

/** Members of a request that are no request's, beside some that are. */
export const wrongEnvelopes: fc.Arbitrary<unknown> = fc.record(
  {
    jsonrpc: fc.constantFrom<unknown>('2.0', 2, '1.0', null, {}),
    id: fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constantFrom<unknown>(null, true, [], {}, 1e300, -0, 'x'.repeat(9999)),
    ),
    method: fc.oneof(
      fc
        .tuple(fc.constantFrom(...prefixes), fc.constantFrom(...names), fc.constantFrom(...suffixes))
        .map((all) => all.join('')),
      anything,
    ),
    params: anything,
  },
  { requiredKeys: [] },
);
