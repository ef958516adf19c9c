/** A little roff, in the macros of man(7). */

/** Letters that a plain terminal or an old groff would lose: by their names. */
const named = new Map([
  ['→', '\\[->]'],
  ['–', '\\[en]'],
  ['—', '\\[em]'],
  ['…', '.\\|.\\|.'],
  ['“', '\\[lq]'],
  ['”', '\\[rq]'],
  ['’', '\\[cq]'],
  ['≥', '\\[>=]'],
  ['≤', '\\[<=]'],
  ['×', '\\[mu]'],
]);

/** @param {string} letter */
const byNumber = (letter) => `\\[u${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;

/** Text as it is: nothing in it is a command of roff, and every dash can be copied into a shell. @param {string} text */
const plain = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\[aq]')
    .replaceAll('^', '\\[ha]')
    .replaceAll('~', '\\[ti]')
    .replaceAll(/[^\0-~]/gu, (letter) => named.get(letter) ?? byNumber(letter));

/** A line that begins like a command is none. @param {string} line */
const guarded = (line) => line.replace(/^(?=[.'])/, '\\&');

/** A line of prose, from our documentation's Markdown: code is bold, of a link its words stay. @param {string} markdown */
export const prose = (markdown) =>
  guarded(
    markdown
      .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
      .replaceAll(/\s+/g, ' ')
      .trim()
      .split('`')
      .map((part, index) => (index % 2 === 1 ? bold(part) : plain(part)))
      .join(''),
  );

/** @param {string} text */
export const bold = (text) => (text === '' ? '' : `\\fB${plain(text)}\\fR`);

/** Lines that stay as they are. @param {string} text */
export const example = (text) => [
  '.RS 4',
  '.nf',
  ...text.split('\n').map((line) => guarded(plain(line))),
  '.fi',
  '.RE',
];

/** A term and what it means, in Markdown. @param {string} term @param {string} meaning */
export const item = (term, meaning) => ['.TP', guarded(term), prose(meaning)];

/**
 * Flags as commander reads them: what is typed as it stands is bold, what stands for something is in italics.
 * @param {string} flags `-f, --follow`, `--tail <n>`
 */
export const flagTerm = (flags) =>
  flags
    .split(/(<[^>]+>|\[[^\]]+\])/)
    .map((part) => (/^[<[]/.test(part) ? `\\fI${plain(part.replaceAll(/[<>]/g, ''))}\\fR` : flagNames(part)))
    .join('');

/** @param {string} text `-f, --follow ` */
const flagNames = (text) => text.replaceAll(/-[\w-]+/g, (flag) => bold(flag));

/** @param {string} text */
const quoted = (text) => `"${plain(text).replaceAll('"', '\\[dq]')}"`;

/** @param {string} title */
export const section = (title) => `.SH ${quoted(title)}`;
/** @param {string} title */
export const subsection = (title) => `.SS ${quoted(title)}`;

/**
 * @param {{ name: string, chapter: number, doc: string, version: string }} head
 * @param {readonly string[]} lines
 */
export const manPage = ({ name, chapter, doc, version }, lines) =>
  [
    `.\\" Made by npm run deb from the tables in src; changes here are lost.`,
    `.TH ${quoted(name.toUpperCase())} ${String(chapter)} "" ${quoted(`Runtime Manager ${version}`)} "Runtime Manager"`,
    '.nh',
    section('NAME'),
    `${plain(name)} \\- ${plain(doc)}`,
    ...lines,
    '',
  ].join('\n');
