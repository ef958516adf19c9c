/** What an app wrote, as text that can be read: an app that believes it has a terminal writes colours and worse. */

import type { LogLine } from '../../client/browser.ts';

/** ECMA-48: CSI sequences (colours, cursor), OSC strings (titles, links) with their end, and the two-byte ones. */
const SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
/** All but the tab. */
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** Without sequences for terminals; any other control character has its picture (U+2400…). */
export const readable = (text: string): string =>
  text.replace(SEQUENCES, '').replace(CONTROLS, (one) => pictureOf(one.charCodeAt(0)));

const pictureOf = (code: number): string =>
  code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\ufffd';

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
