/** The manual pages, from the tables of commands and errors, the daemon's usage and the schema of its settings. */
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/cli/commands.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { USAGE } from '../../src/start/options.ts';
import { settingRows } from '../docs/configuration.mjs';
import { bold, example, flagTerm, item, manPage, prose, section, subsection } from './roff.mjs';

/** @typedef {import('../../src/cli/command.ts').OptionRow} OptionRow */
/** @typedef {import('../../src/cli/command.ts').CommandRow} CommandRow */
/** @typedef {{ file: string, text: string }} Page */

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** @param {OptionRow} option */
function optionItem({ flags, doc, many, words }) {
  const choices =
    words?.kind === 'choice' && !doc.includes(words.choices[0] ?? '') ? `: ${words.choices.join(', ')}` : '';
  return item(flagTerm(flags), `${doc}${choices}${many === true ? '; may be given several times' : ''}`);
}

/** @param {CommandRow} row */
function command({ name, aliases, doc, operands, options, words, example: line }) {
  const usage = [bold(`runtimectl ${name}`), ...(options.length > 0 ? ['[options]'] : []), flagTerm(operands ?? '')];
  const also = aliases === undefined ? '' : ` Also ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`;
  const choices = (words ?? []).flatMap((word) => (word.kind === 'choice' ? [word.choices] : []));
  return [
    subsection(name),
    usage.join(' ').trim(),
    '.PP',
    prose(`${sentence(doc)}${also}`),
    ...choices.flatMap((names) => [prose(`One of: ${names.map((one) => `\`${one}\``).join(', ')}.`)]),
    ...options.flatMap(optionItem),
    '.PP',
    'For example:',
    ...example(line),
  ];
}

/** One item an exit status: several errors share some. */
function exitStatus() {
  const errors = Object.entries(ERRORS);
  const statuses = [...new Set(errors.map(([, { exitCode }]) => exitCode))].sort((one, other) => one - other);
  return statuses.flatMap((status) => {
    const [first, ...rest] = errors.filter(([, { exitCode }]) => exitCode === status);
    const text = (/** @type {[string, { doc: string }] | undefined} */ row) =>
      `\`${row?.[0] ?? ''}\`: ${row?.[1].doc ?? ''}`;
    return [...item(bold(String(status)), text(first)), ...rest.flatMap((row) => ['.br', prose(text(row))])];
  });
}

/** @param {string} version @returns {Page} */
function runtimectl(version) {
  const name = 'runtimectl';
  const lines = [
    section('SYNOPSIS'),
    `${bold(name)} [options] \\fIcommand\\fR [options] [operands]`,
    section('DESCRIPTION'),
    prose(
      'A client of `runtimemanagerd` like any other; it needs no root, only access to the socket. Data goes to stdout, words to stderr.',
    ),
    prose('With several ids it goes on after a failure; the first error decides the exit status.'),
    section('OPTIONS'),
    'Understood before and after the command.',
    ...GLOBAL_OPTIONS.flatMap(optionItem),
    section('COMMANDS'),
    ...COMMANDS.flatMap(command),
    section('EXIT STATUS'),
    prose('0, or that of the error; that of `exec` is the own of the program that it ran.'),
    ...exitStatus(),
    section('FILES'),
    ...item(bold('/run/runtime-manager/control.sock'), 'Where the daemon of the system is asked.'),
    section('SEE ALSO'),
    `${bold('runtimemanagerd')}(8), ${bold('runtime-manager-config')}(5), /usr/share/doc/runtime\\-manager`,
  ];
  const doc = 'run, suspend, hibernate, wake and end apps in containers';
  return { file: 'runtimectl.1', text: manPage({ name, chapter: 1, doc, version }, lines) };
}

/** The items of `--help`: an option, two spaces or a line end, and its words on that line and those below it. */
function daemonOptions() {
  const rows = USAGE.split('\n').filter((line) => line.startsWith('  '));
  /** @type {{ flags: string, doc: string }[]} */
  const options = [];
  for (const row of rows) {
    const [, flags, doc = ''] = /^ {2}(--\S.*?)(?: {2,}(.*))?$/.exec(row) ?? [];
    const last = options.at(-1);
    if (flags !== undefined) options.push({ flags, doc });
    else if (last !== undefined) last.doc = `${last.doc} ${row.trim()}`.trim();
  }
  const where = 'src/start/options.ts';
  if (options.length === 0) throw new Error(`the usage of runtimemanagerd (${where}) has no options to be read`);
  return options.flatMap(({ flags, doc }) => item(flagTerm(flags), `${sentence(doc)}`));
}

/** @param {string} version @returns {Page} */
function runtimemanagerd(version) {
  const name = 'runtimemanagerd';
  const usage = /^usage: \w+ (.*)$/m.exec(USAGE)?.[1] ?? '[options]';
  const lines = [
    section('SYNOPSIS'),
    `${bold(name)} ${prose(usage)}`,
    section('DESCRIPTION'),
    prose(
      'Runs apps in containers and moves them through their life, for clients that call it (JSON-RPC on a unix socket). The apps are not its children: it can be ended, killed and upgraded, and they run on; the next daemon finds them. It stays in the foreground, logs to stderr, and ends cleanly on SIGTERM or SIGINT. It must be root.',
    ),
    section('OPTIONS'),
    ...daemonOptions(),
    section('ENVIRONMENT'),
    ...item(bold('RUNTIME_MANAGER_ROOT'), 'As `--root`.'),
    ...item(bold('RUNTIME_MANAGER_TOOLS'), 'Directory with the host tools, before PATH; the setting `tools` wins.'),
    ...item(
      bold('NOTIFY_SOCKET'),
      'Set by systemd: the daemon tells it when it is ready and when it ends, and that it is alive (sd_notify(3)).',
    ),
    section('FILES'),
    ...item(bold('/etc/runtime-manager/config.yaml'), 'Settings: runtime-manager-config(5).'),
    ...item(bold('/run/runtime-manager'), 'The socket, and what belongs to living apps.'),
    ...item(
      bold('/var/lib/runtime-manager'),
      "The journal, the apps' storage and logs, and images of apps that sleep.",
    ),
    section('SEE ALSO'),
    `${bold('runtimectl')}(1), ${bold('runtime-manager-config')}(5), /usr/share/doc/runtime\\-manager`,
  ];
  const doc = 'runs apps in containers and moves them through their life';
  return { file: 'runtimemanagerd.8', text: manPage({ name, chapter: 8, doc, version }, lines) };
}

/** @param {string} version @returns {Page} */
function setup(version) {
  const name = 'runtime-manager-setup';
  const lines = [
    section('SYNOPSIS'),
    bold(name),
    section('DESCRIPTION'),
    prose(
      "Fetches newer tools than the machine has (CRIU, runc, conmon, …) from Debian, for Runtime Manager alone, and tries them with a real dump and restore. Apps can be hibernated with them where the machine's own are too old. It takes no options and must be run by root. A second run does what the first has left, or nothing. Restart the daemon after it; the apps run on.",
    ),
    section('FILES'),
    ...item(
      bold('/usr/lib/runtime-manager/.tools'),
      'The tools. They go with the package, and are taken before those in PATH.',
    ),
    section('SEE ALSO'),
    `${bold('runtimemanagerd')}(8), ${bold('runtimectl')}(1), /usr/share/doc/runtime\\-manager`,
  ];
  const doc = 'fetches the tools that Runtime Manager works with';
  return { file: 'runtime-manager-setup.8', text: manPage({ name, chapter: 8, doc, version }, lines) };
}

/** @param {string} version @returns {Page} */
function config(version) {
  const name = 'runtime-manager-config';
  const lines = [
    section('DESCRIPTION'),
    prose(
      'YAML or JSON in `/etc/runtime-manager/config.yaml`, or in `DIR/config.yaml` with `--root DIR`. Every member is optional. It is read once, at the start of `runtimemanagerd`. A member that does not exist, or a value that is not allowed, keeps it from starting and is named on stderr.',
    ),
    section('MEMBERS'),
    ...settingRows().flatMap(({ path, type, default: value, meaning }) => [
      ...item(bold(path), meaning),
      ...['.br', prose(`${type}${value === '' || value === 'required' ? '' : `; default: ${value}`}`)],
    ]),
    section('SEE ALSO'),
    `${bold('runtimemanagerd')}(8), ${bold('runtimectl')}(1), /usr/share/doc/runtime\\-manager`,
  ];
  const doc = 'settings of Runtime Manager';
  return { file: 'runtime-manager-config.5', text: manPage({ name, chapter: 5, doc, version }, lines) };
}

/** @param {string} version of the package */
export const manPages = (version) => [runtimectl(version), runtimemanagerd(version), setup(version), config(version)];
