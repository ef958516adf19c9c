/** A line that somebody typed, as a program's arguments. */
import { RuntimeError } from '../../domain/errors.ts';

/** As a shell does it: spaces part words, but not between quotes or after a backslash. Throws INVALID_ARGUMENT. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const PART = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(.)/gsy;
  let word: string | undefined;
  for (const [whole, single, double, escaped, plain] of text.matchAll(PART)) {
    const part = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (part !== undefined) {
      word = (word ?? '') + part;
    } else if (whole.trim() === '') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      throw new RuntimeError('INVALID_ARGUMENT', {
        what: `the command has a ${whole} without its partner`,
        next: 'close the quotes, or put a \\ before it',
      });
    }
  }
  return word === undefined ? words : [...words, word];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Those commands of an advice that can be typed as they stand. `names`: of instances and apps, where a command ends. */
export function commandsIn(advice: string, names: readonly string[]): readonly string[] {
  const name = names.length === 0 ? '(?!)' : `(?:${names.map(escaped).join('|')})(?![\\w.-]*\\w)`;
  const command = new RegExp(
    `runtimectl (?:storage ls|storage (?:clear|delete) ${name}|ps(?: --all)?|doctor|[a-z]+ ${name}(?: --[a-z]+ [A-Z]+)?)`,
    'g',
  );
  return [...new Set(advice.match(command) ?? [])];
}

/** A command of ours as it reaches the daemon with this root directory (`/`: the system's). */
export function ofRoot(command: string, root = '/'): string {
  if (root === '/') return command;
  const word = /^[\w./:@%+,-]+$/.test(root) ? root : `'${root.replaceAll("'", String.raw`'\''`)}'`;
  return command.replace(/^runtimectl /, () => `runtimectl --root ${word} `);
}
