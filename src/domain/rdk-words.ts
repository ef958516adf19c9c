/**
 * RDK's `runtimeConfigObject` as callers of other versions write it. Thunder's JSON parser skips members that it does not know and
 * takes null for what is absent (Source/core/JSON.h, Container::Deserialize; measured on 4.4.7); a list that is not the text of a JSON
 * array is an empty one (RuntimeManager/DobbySpecGenerator.cpp: JsonArray::FromString, Json::Reader). What is kept out is named.
 */
import * as z from 'zod';
import { isVariable, runtimeConfigSchema } from './runtime-config.ts';

type Input = z.input<typeof runtimeConfigSchema>;
type Raw = Readonly<Record<string, unknown>>;

const MEMBERS: ReadonlySet<string> = new Set(Object.keys(runtimeConfigSchema.shape));
/** Members that hold the text of a JSON array. */
const LISTS = ['envVariables', 'logLevels', 'fkpsFiles'] as const;
/** Bounds of what is kept of strangers. */
const MAX_NAMED = 20;
const MAX_NAME_LENGTH = 64;

/** Null is as if it were absent: upstream's callers have lists that are null. */
export const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value: z.input<Schema> | null) => value ?? undefined, schema.optional()).optional();

/** `notTaken`: what of it was kept out, one line each; whatever a caller writes there is kept out, too. */
export const rdkWordsSchema = z.preprocess(
  (raw: Input): unknown => (isObject(raw) ? known(raw) : raw),
  runtimeConfigSchema.extend({ notTaken: z.array(z.string()).default([]) }),
);

const isObject = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

function known(raw: Raw): Raw {
  const entries = Object.entries(raw).filter(([, value]) => value !== null);
  const members: Record<string, unknown> = Object.fromEntries(entries.filter(([name]) => MEMBERS.has(name)));
  const strangers = entries.flatMap(([name]) => (MEMBERS.has(name) ? [] : [name]));
  const notTaken = [
    ...strangers.slice(0, MAX_NAMED).map((name) => `${quoted(name)}: not a member that this version knows`),
    ...(strangers.length > MAX_NAMED
      ? [`${strangers.length - MAX_NAMED} more members that this version does not know`]
      : []),
  ];
  for (const name of LISTS) {
    const text = members[name];
    if (typeof text !== 'string' || text === '') continue;
    const { entries: kept, faults } = listOf(name, text);
    members[name] = faults.length === 0 ? text : JSON.stringify(kept);
    notTaken.push(...faults.slice(0, MAX_NAMED).map((fault) => `${name}: ${fault}`));
  }
  return { ...members, notTaken: notTaken.map((one) => `runtimeConfigObject.${one}`) };
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, MAX_NAME_LENGTH)).slice(1, -1);

type List = { readonly entries: readonly string[]; readonly faults: readonly string[] };

function listOf(name: (typeof LISTS)[number], text: string): List {
  const list = arrayIn(text);
  if (list === undefined) return { entries: [], faults: ['not the text of a JSON array, so it counts as empty'] };
  const words = list.map((entry) => (typeof entry === 'number' || typeof entry === 'boolean' ? String(entry) : entry));
  const isKept = (word: unknown): word is string =>
    typeof word === 'string' && (name !== 'envVariables' || isVariable(word));
  const left = words.flatMap((word, at) =>
    isKept(word) ? [] : [`entry ${at + 1} is no ${NOUNS[name]}, and left out`],
  );
  const changed = words.some((word, at) => word !== list[at]) && left.length === 0;
  return { entries: words.filter(isKept), faults: changed ? ['has entries that are no text; taken as text'] : left };
}

const NOUNS = { envVariables: 'NAME=value', logLevels: 'text', fkpsFiles: 'text' } as const;

function arrayIn(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
