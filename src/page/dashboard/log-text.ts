/** What an app wrote, as text that can be read: an app that believes it has a terminal writes colours and worse. */

import type { LogLine } from '../../client/browser.ts';

const ESCAPE = '\x1b';
const BELL = '\x07';
/** ECMA-48: CSI sequences (colours, cursor), OSC strings (titles, links) with their end, and the short ones. */
const SEQUENCES = new RegExp(
  [
    String.raw`${ESCAPE}\[[0-?]*[ -/]*[@-~]`,
    String.raw`${ESCAPE}\][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\)?`,
    String.raw`${ESCAPE}[ -/]*[0-~]`,
  ].join('|'),
  'g',
);

/** Without sequences for terminals; any other control character is written as `^G`, which every font has. */
export const readable = (text: string): string =>
  text.replace(SEQUENCES, '').replace(/\p{Cc}/gu, (one) => (one === '\t' ? one : pictureOf(one.charCodeAt(0))));

const pictureOf = (code: number): string =>
  code < 0x20 || code === 0x7f ? `^${String.fromCharCode(code ^ 0x40)}` : '\ufffd';

/** What has begun on each stream, and has no end yet. */
export type Open = ReadonlyMap<LogLine['stream'], LogLine>;

/** An app that writes on and on without a line's end gets one. */
const MAX_LINE = 65_536;

/** The log has what was read from the app at once; a line may be several of those pieces. */
export function joinPieces(pieces: readonly LogLine[], begun: Open = new Map()): { lines: LogLine[]; open: Open } {
  const open = new Map(begun);
  const lines: LogLine[] = [];
  for (const piece of pieces) {
    const before = open.get(piece.stream);
    const line = before === undefined ? piece : { ...piece, time: before.time, text: before.text + piece.text };
    open.delete(piece.stream);
    if (piece.partial && line.text.length < MAX_LINE) open.set(piece.stream, line);
    else lines.push(line);
  }
  return { lines, open };
}
