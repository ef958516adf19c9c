/** docs/cli.md, from the table of commands. */
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/cli/commands.ts';
import { code, table } from './markdown.mjs';

/** @typedef {import('../../src/cli/command.ts').OptionRow} OptionRow */
/** @typedef {import('../../src/cli/command.ts').CommandRow} CommandRow */

/** @param {readonly OptionRow[]} options */
const optionTable = (options) =>
  table(
    ['option', ''],
    options.map(({ flags, doc, many, words }) => {
      const choices =
        words?.kind === 'choice' && !doc.includes(words.choices[0] ?? '') ? `: ${words.choices.join(', ')}` : '';
      return [code(flags), `${doc}${choices}${many === true ? '; may be given several times' : ''}`];
    }),
  );

export const globalOptions = () => optionTable(GLOBAL_OPTIONS);

/** @param {CommandRow} row */
function section({ name, aliases, doc, operands, options, example }) {
  const usage = ['runtimectl', name, ...(options.length > 0 ? ['[options]'] : []), ...(operands ? [operands] : [])];
  const also = aliases === undefined ? '' : ` Also ${aliases.map(code).join(', ')}.`;
  return [
    `### ${name}`,
    `${doc.charAt(0).toUpperCase()}${doc.slice(1)}.${also}`,
    ['```sh', usage.join(' '), `# for example`, example, '```'].join('\n'),
    ...(options.length > 0 ? [optionTable(options)] : []),
  ].join('\n\n');
}

export const commands = () => COMMANDS.map(section).join('\n\n');
