/** What only the text of a source file says: its comments and its type declarations. */
import { readFileSync } from 'node:fs';

/** @param {string} path below src */
const textOf = (path) => readFileSync(new URL(`../../src/${path}`, import.meta.url), 'utf8');

/** One-line comments before members of the constants of a file: `constant.member` → comment. @param {string} path */
export function commentsOf(path) {
  /** @type {Map<string, string>} */
  const comments = new Map();
  let constant = '';
  let comment = '';
  for (const line of textOf(path).split('\n')) {
    constant = /^(?:export )?const (\w+)/.exec(line)?.[1] ?? constant;
    const member = /^\s+(\w+):/.exec(line)?.[1];
    if (member !== undefined && comment !== '') comments.set(`${constant}.${member}`, comment);
    comment = /^\s+\/\*\* (.*) \*\/$/.exec(line)?.[1] ?? '';
  }
  return comments;
}

/** A type as it stands there, without `readonly`, which says nothing on the wire. @param {string} path @param {string} name */
export function typeOf(path, name) {
  const lines = textOf(path).split('\n');
  const from = lines.findIndex((line) => line.replace('export ', '').startsWith(`type ${name} `));
  if (from < 0) throw new Error(`src/${path} has no type ${name}`);
  const length = lines.slice(from).findIndex((_, at) => isWhole(lines.slice(from, from + at + 1).join('\n')));
  const declaration = lines.slice(from, from + length + 1).join('\n');
  return declaration.replace('export ', '').replaceAll('readonly ', '');
}

/** @param {string} text */
const isWhole = (text) => text.endsWith(';') && text.split('{').length === text.split('}').length;
