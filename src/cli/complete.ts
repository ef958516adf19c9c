/** The hidden `__complete SHELL CWORD WORDS…`: what may stand where the cursor is. Says nothing rather than something wrong. */
import { callOnce } from '../client/unix.ts';
import type { Address } from '../client/address.ts';
import { allowedIn } from '../domain/states.ts';
import type { CommandRow, OptionRow, Words } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';
import { daemonAt, FLAGS } from './daemon.ts';
import type { PlaceOption } from './daemon.ts';
import { readLine } from './typed-line.ts';
import type { TypedLine } from './typed-line.ts';
import type { Start } from './program.ts';

type Candidate = { readonly word: string; readonly doc?: string };

/** The shell completes names of files better than we could. */
const isForShell = (word: string): boolean => word === ':files' || word === ':directories';

/** Somebody waits at a keyboard. */
const DAEMON_TIMEOUT_MS = 700;

export async function completeWords({ words, place, cwd }: Start): Promise<number> {
  const [, shell = '', cursor = '', ...line] = words;
  const { typed, current, replaced } = splitAtCursor(line, Number(cursor), shell);
  const read = readLine(typed);
  const given = (name: PlaceOption) => read.values.get(FLAGS[name]);
  const daemon = () => daemonAt(given, place, cwd);
  const found = await candidates(read, current, daemon).catch(() => []);
  const fitting = found.filter(({ word }) => word.startsWith(current) || isForShell(word));
  for (const { word, doc } of fitting) {
    const text = isForShell(word) ? word : word.slice(replaced);
    process.stdout.write(shell === 'fish' && doc !== undefined ? `${text}\t${doc}\n` : `${text}\n`);
  }
  return 0;
}

type Cursor = {
  readonly typed: readonly string[];
  /** The word under the cursor. */
  readonly current: string;
  /** So many characters at the beginning of the word stay as they are on the line. */
  readonly replaced: number;
};

/** bash takes `a:b=c` for five words and replaces the last one only (COMP_WORDBREAKS); they are one to us. */
function splitAtCursor(line: readonly string[], cursor: number, shell: string): Cursor {
  const before = line.slice(0, cursor + 1);
  if (cursor >= line.length) before.push('');
  if (shell !== 'bash') return { typed: before.slice(1, -1), current: before.at(-1) ?? '', replaced: 0 };
  const whole: string[] = [];
  let glue = false;
  for (const word of before) {
    const isBreak = /^[:=]+$/.test(word);
    if ((isBreak || glue) && whole.length > 1) whole.push(`${whole.pop() ?? ''}${word}`);
    else whole.push(word);
    glue = isBreak;
  }
  const current = whole.at(-1) ?? '';
  return {
    typed: whole.slice(1, -1),
    current,
    replaced: Math.max(...[':', '='].map((c) => current.lastIndexOf(c))) + 1,
  };
}

async function candidates(
  line: TypedLine,
  current: string,
  daemon: () => Promise<Address>,
): Promise<readonly Candidate[]> {
  const { row, awaited, isCommandOfApp } = line;
  if (isCommandOfApp) return [{ word: ':files' }];
  if (awaited !== undefined) return wordsOf(awaited.words, line, daemon);
  const [, flag, value] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined && value !== undefined) {
    const option = optionsOf(row).find(({ flags }) => longFlag(flags) === flag);
    const found = await wordsOf(option?.words, line, daemon);
    return found.map(({ word }) => ({ word: isForShell(word) ? word : `${flag}=${word}` }));
  }
  if (current.startsWith('-')) return flagsOf(line);
  if (row === undefined) return COMMANDS.map(({ name, doc }) => ({ word: name, doc }));
  const words = row.words?.[Math.min(line.operands.length, row.words.length - 1)];
  const isFull = line.operands.length > 0 && row.operands?.includes('...') !== true;
  return isFull ? [] : wordsOf(words, line, daemon);
}

const optionsOf = (row: CommandRow | undefined): readonly OptionRow[] => [...(row?.options ?? []), ...GLOBAL_OPTIONS];

const longFlag = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? flags;

function flagsOf({ row, values }: TypedLine): readonly Candidate[] {
  const free = optionsOf(row).filter(({ flags, many }) => many === true || !values.has(longFlag(flags)));
  return [...free.map(({ flags, doc }) => ({ word: longFlag(flags), doc })), { word: '--help', doc: 'help' }];
}

async function wordsOf(
  words: Words | undefined,
  line: TypedLine,
  daemon: () => Promise<Address>,
): Promise<readonly Candidate[]> {
  switch (words?.kind) {
    case 'file':
      return [{ word: ':files' }];
    case 'directory':
      return [{ word: ':directories' }];
    case 'choice':
      return words.choices.map((word) => ({ word }));
    case 'instance': {
      const { operation, states } = words;
      const all = operation === undefined && states === undefined;
      const apps = await callOnce(await daemon(), ['list', { all }], { timeoutMs: DAEMON_TIMEOUT_MS });
      return apps
        .filter(({ state }) => operation === undefined || allowedIn(state).includes(operation))
        .filter(({ state }) => states?.includes(state) !== false)
        .filter(({ appInstanceId }) => !line.operands.includes(appInstanceId))
        .map(({ appInstanceId, appId, state }) => ({ word: appInstanceId, doc: `${appId}, ${state}` }));
    }
    case 'any':
    case undefined:
      return [];
  }
}
