/**
 * A file that people write, YAML or JSON (with comments, as RDK's files have them), with the lines of its members.
 * Loads the parser: import it when there is a file to read.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document as YamlDocument,
} from 'yaml';
import { RuntimeError } from './errors.ts';
import type { Fault } from './faults.ts';

/** Guards against a file that names itself a thousand times over. */
const MAX_ALIASES = 100;

export type SourceFile = {
  /** Undefined for an empty file. */
  readonly value: unknown;
  /** Line, from 1, of a member, or of the nearest thing around it that is there. */
  readonly lineOf: (keys: readonly PropertyKey[]) => number;
  readonly holds: (keys: readonly PropertyKey[]) => boolean;
};

/** Throws an Error with the reason, line and column: `… at line 2, column 7`. */
export function readSource(text: string): SourceFile {
  const lines = new LineCounter();
  const document = parseDocument(withoutComments(text), { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new Error(`${fault.message} at line ${line}, column ${col}`);
  }
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  return {
    value: value ?? undefined,
    lineOf: (keys) => Math.max(1, lines.linePos(find(document, keys).offset).line),
    holds: (keys) => find(document, keys).isThere,
  };
}

type Found = { readonly offset: number; readonly isThere: boolean };

function find(document: YamlDocument, keys: readonly PropertyKey[]): Found {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (pair === undefined) return { offset, isThere: false };
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as { readonly range?: readonly number[] } | undefined)?.range?.[0] ?? offset;
    } else return { offset, isThere: false };
  }
  return { offset, isThere: true };
}

/** One blank or comment after the other: as one expression the ways to part a row of comments double with each of them. */
function beginsLikeJson(text: string): boolean {
  const blank = /[\uFEFF\s]+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
  let at = 0;
  while (blank.test(text)) at = blank.lastIndex;
  return text[at] === '{' || text[at] === '[';
}

/** `//` and C comments of a file that begins like JSON become blanks, so that every line and column stays what it is. */
function withoutComments(text: string): string {
  if (!beginsLikeJson(text)) return text;
  return text.replaceAll(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) =>
    part.startsWith('"') ? part : part.replaceAll(/[^\n]/g, ' '),
  );
}

export type WrongFile = {
  readonly file: string;
  readonly what: string;
  readonly next: string;
  readonly faults: readonly Fault[];
  readonly source: SourceFile;
};

/** INVALID_ARGUMENT that names each bad member with its line. */
export function wrongMembers({ file, what, next, faults, source }: WrongFile): RuntimeError {
  const members = faults.map(({ keys, path, expected }) => ({ path, expected, line: source.lineOf(keys) }));
  return new RuntimeError('INVALID_ARGUMENT', {
    what,
    next,
    details: { file, members },
    cause: members
      .map(({ path, expected, line }) => `line ${line}: ${path === '' ? 'the file' : path} ${expected}`)
      .join('; '),
  });
}
