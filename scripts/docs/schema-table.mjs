/** A zod schema as a table of its members. */
import * as z from 'zod';
import { code, either, table } from './markdown.mjs';

/**
 * The part of JSON Schema that zod writes for our schemas.
 * @typedef {{
 *   type?: string, const?: unknown, enum?: unknown[], anyOf?: Json[], items?: Json, properties?: Record<string, Json>,
 *   required?: string[], additionalProperties?: Json | boolean, default?: unknown, description?: string,
 *   minimum?: number, maximum?: number, minItems?: number, maxItems?: number,
 * }} Json
 */
/** @typedef {{ path: string, schema: Json, isRequired: boolean }} Member */
/** @typedef {{ path: string, type: string, default: string, schema: Json }} Row */

/** @param {z.ZodType} schema @returns {Json} */
const jsonOf = (schema) => /** @type {Json} */ (z.toJSONSchema(schema, { io: 'input' }));

/** Every member, parents first; in a list of objects with `[]`. @param {Json} schema @param {string} parent @returns {Member[]} */
function membersOf(schema, parent = '') {
  const { properties = {}, required = [], anyOf = [], items } = schema;
  const own = Object.entries(properties).flatMap(([name, member]) => {
    const path = parent === '' ? name : `${parent}.${name}`;
    const isRequired = required.includes(name);
    return [{ path, schema: member, isRequired }, ...membersOf(member, path)];
  });
  const branches = anyOf.flatMap((branch) =>
    membersOf(branch, parent).map((member) => {
      const description = member.schema.description ?? branch.description;
      return { ...member, isRequired: false, schema: { ...member.schema, ...(description && { description }) } };
    }),
  );
  return [...own, ...branches, ...(items === undefined ? [] : membersOf(items, `${parent}[]`))];
}

/** @param {Json} schema @returns {string} */
function typeText(schema) {
  const { type, anyOf, items, additionalProperties } = schema;
  if (schema.enum !== undefined) return either(schema.enum.map((value) => code(JSON.stringify(value))));
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (anyOf !== undefined) {
    const kinds = [...new Set(anyOf.map((branch) => typeText(branch)))];
    return anyOf.length > 1 && kinds.length === 1 ? `${kinds.join('')} with one of these members` : either(kinds);
  }
  if (type === 'array') return items?.type === 'object' ? 'list of objects' : `list of ${plural(items)}`;
  if (type === 'object' && typeof additionalProperties === 'object') return `object of ${plural(additionalProperties)}`;
  return `${type ?? 'any'}${rangeText(schema)}`;
}

/** @param {Json | undefined} items */
const plural = (items) => `${items?.type ?? 'value'}s`;

/** @param {Json} schema */
function rangeText({ minimum, maximum }) {
  if (minimum === undefined) return '';
  const noLimit = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER;
  return noLimit ? `, at least ${String(minimum)}` : `, ${String(minimum)} to ${String(maximum)}`;
}

/** @param {Member} member */
function defaultText({ schema, isRequired, path }) {
  if (isRequired) return 'required';
  if (schema.default === undefined) return '';
  const isGroup = schema.properties !== undefined && JSON.stringify(schema.default) === '{}';
  return isGroup ? '' : `${code(JSON.stringify(schema.default))}${readable(path, schema.default)}`;
}

/** Large numbers in units people read; the unit is in the member's name. @param {string} path @param {unknown} value */
function readable(path, value) {
  if (typeof value !== 'number' || value < 1000) return '';
  if (path.endsWith('Ms')) {
    return value % 60_000 === 0 ? ` (${String(value / 60_000)} min)` : ` (${String(value / 1000)} s)`;
  }
  if (path.endsWith('Bytes')) return ` (${String(value / 2 ** 20)} MiB)`;
  return '';
}

/** @param {z.ZodType} schema @returns {Row[]} */
export const rowsOf = (schema) =>
  membersOf(jsonOf(schema)).map((member) => ({
    path: member.path,
    type: typeText(member.schema),
    default: defaultText(member),
    schema: member.schema,
  }));

/** @typedef {{ root: string, comments: ReadonlyMap<string, string>, notes: Readonly<Record<string, string>> }} Words `root`: the constant of the schema */

/**
 * With the meaning of each member: a note, the comment in the source, or its description. One without any is a fault.
 * @param {z.ZodType} schema @param {Words} words @returns {(Row & { meaning: string })[]}
 */
export const explainedRows = (schema, { root, comments, notes }) =>
  rowsOf(schema).map((row) => {
    const parts = row.path.split('.');
    const name = parts.pop() ?? '';
    const parent = parts.pop()?.replace(/s?\[\]$/, '') ?? root;
    const meaning = notes[row.path] ?? comments.get(`${parent}.${name}`) ?? row.schema.description;
    if (meaning === undefined) throw new Error(`${root}: ${row.path} has neither a comment nor a note in scripts/docs`);
    return { ...row, meaning };
  });

/** @param {z.ZodType} schema @param {Words} words */
export const schemaTable = (schema, words) =>
  table(
    ['member', 'type', 'default', 'meaning'],
    explainedRows(schema, words).map(({ path, type, default: value, meaning }) => [code(path), type, value, meaning]),
  );
