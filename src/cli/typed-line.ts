/** A half-typed command line as far as it is understood: which command, which options have been given, what is awaited. */
import type { CommandRow, OptionRow } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';

export type TypedLine = {
  readonly row: CommandRow | undefined;
  readonly operands: readonly string[];
  /** Options given so far by their long names, with their values; empty text where there is none. */
  readonly values: ReadonlyMap<string, string>;
  /** The option whose value comes next. */
  readonly awaited: OptionRow | undefined;
  /** After `--`: words of the app's own command. */
  readonly isCommandOfApp: boolean;
};

export function readLine(words: readonly string[]): TypedLine {
  const values = new Map<string, string>();
  const operands: string[] = [];
  let row: CommandRow | undefined;
  let awaited: OptionRow | undefined;
  let isCommandOfApp = false;
  for (const word of words) {
    if (isCommandOfApp) continue;
    if (awaited !== undefined) {
      values.set(longName(awaited), word);
      awaited = undefined;
    } else if (word === '--') {
      isCommandOfApp = true;
    } else if (word.startsWith('-')) {
      awaited = readFlag(word, row, values);
    } else if (row === undefined) {
      row = COMMANDS.find(({ name, aliases }) => name === word || aliases?.includes(word));
    } else {
      operands.push(word);
    }
  }
  return { row, operands, values, awaited, isCommandOfApp };
}

/** The option itself when its value is the next word. */
function readFlag(word: string, row: CommandRow | undefined, values: Map<string, string>): OptionRow | undefined {
  const [flag = '', ...value] = word.split('=');
  const option = [...(row?.options ?? []), ...GLOBAL_OPTIONS].find(({ flags }) => flags.split(/[ ,]+/).includes(flag));
  if (option === undefined) return undefined;
  values.set(longName(option), value.join('='));
  return value.length === 0 && option.flags.includes('<') ? option : undefined;
}

const longName = ({ flags }: OptionRow): string => /--[\w-]+/.exec(flags)?.[0] ?? flags;
