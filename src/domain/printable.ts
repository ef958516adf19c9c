/**
 * Text from outside for people: nothing of it can move a cursor, set a title, fill the clipboard, begin a line, or change the order in
 * which the rest is read.
 */

/** Control characters (C0, DEL, C1), what ends a line in Unicode, and what changes the direction of text (UAX #9). */
const NOT_PRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
/** The same in text that has a form of its own: tabs, line ends, and colours and styles (SGR) but the one that hides (8). */
const NOT_FOR_TERMINALS = new RegExp(
  // eslint-disable-next-line no-control-regex -- ESC is what this is about
  /(\r?\n|\t|\x1b\[(?:(?!8[;m]|28[;m])\d{0,3}(?:;(?!8[;m]|28[;m])\d{0,3}){0,15})?m)/.source +
    `|${NOT_PRINTABLE.source}`,
  'gu',
);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One line of plain text. */
export const printable = (text: string): string => text.replaceAll(NOT_PRINTABLE, escaped);

/** Lines for a terminal. */
export const forTerminal = (text: string): string =>
  text.replaceAll(NOT_FOR_TERMINALS, (found: string, harmless: string | undefined) => harmless ?? escaped(found));

/** JSON that means the same and holds no such character: `JSON.stringify` escapes only some of them. */
export const asciiControls = (json: string): string => json.replaceAll(NOT_PRINTABLE, escaped);
