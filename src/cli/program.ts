/** Reads the words with commander, runs the command's own code, and says how it went. */
import { Command as CommanderCommand, CommanderError, Option } from 'commander';
import { ERRORS, RuntimeError } from '../domain/errors.ts';
import { VERSION } from '../domain/version.ts';
import type { CommandRow, Environment, Invocation, OptionRow } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';
import { daemonAt } from './daemon.ts';
import type { PlaceWords } from './daemon.ts';
import { textOf } from './options.ts';
import { output } from './output.ts';

export type Start = {
  /** What was typed after the program's name. */
  readonly words: readonly string[];
  /** From the environment. */
  readonly place: PlaceWords;
  readonly cwd: string;
  readonly environment: Environment;
};

/** Returns the exit status. */
export async function runProgram(start: Start): Promise<number> {
  // known before the words are understood: an error in them is reported in the same form
  const end = start.words.indexOf('--');
  const json = start.words.slice(0, end === -1 ? undefined : end).includes('--json');
  let status = 0;
  const program = programOf(async (row, command) => {
    const run = await row.load();
    status = await run(await invocationOf(row, command, start));
  });
  try {
    await program.parseAsync(start.words, { from: 'user' });
    return status;
  } catch (thrown) {
    // help and version have said what they had to say; help that was not asked for is an answer to no command at all
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return ERRORS.INVALID_ARGUMENT.exitCode;
    const error = thrown instanceof CommanderError ? usageError(thrown, start.words) : RuntimeError.of(thrown);
    output(json).error(error);
    return ERRORS[error.code].exitCode;
  }
}

type RunRow = (row: CommandRow, command: CommanderCommand) => Promise<void>;

function programOf(run: RunRow): CommanderCommand {
  const program = new CommanderCommand('runtimectl')
    .description('Runs apps in containers and looks after them: the command line of Runtime Manager.')
    .version(VERSION, '--version', 'version of runtimectl')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  for (const row of GLOBAL_OPTIONS) program.addOption(optionOf(row));
  for (const row of COMMANDS) program.addCommand(commandOf(row, program, run));
  return program;
}

function commandOf(row: CommandRow, program: CommanderCommand, run: RunRow): CommanderCommand {
  const command = new CommanderCommand(row.name)
    .copyInheritedSettings(program)
    .description(row.doc)
    .aliases([...(row.aliases ?? [])])
    .addHelpText('after', `\nExample:\n  ${row.example}`)
    .action(() => run(row, command));
  if (row.operands !== undefined) command.arguments(row.operands);
  for (const option of row.options) command.addOption(optionOf(option));
  return command;
}

function optionOf({ flags, doc, many, words }: OptionRow): Option {
  const option = new Option(flags, doc);
  if (words?.kind === 'choice') option.choices([...words.choices]);
  if (many === true) option.argParser((text: string, before?: readonly string[]) => [...(before ?? []), text]);
  return option;
}

async function invocationOf(
  row: CommandRow,
  command: CommanderCommand,
  { place, cwd, environment }: Start,
): Promise<Invocation> {
  const options: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  const typed = (name: string) => textOf(options, name);
  return {
    name: row.name,
    operands: command.args,
    options,
    daemon: await daemonAt(typed, place, cwd),
    output: output(options['json'] === true),
    cwd,
    environment,
  };
}

/** Commander's `error: unknown option '--folow'\n(Did you mean --follow?)` in our form. */
function usageError({ message }: CommanderError, words: readonly string[]): RuntimeError {
  const command = words.find((word) => COMMANDS.some(({ name }) => name === word));
  const [first = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  return new RuntimeError('INVALID_ARGUMENT', {
    what: first,
    next:
      hint === '' ? `see runtimectl ${command === undefined ? '' : `${command} `}--help` : hint.replace(/^Did/, 'did'),
  });
}
