/** Tables as kubectl prints them: columns side by side, three spaces between. */
import { stripVTControlCharacters } from 'node:util';

/** Cells may hold colours; they do not count for the width. No cell begins a line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll(/[\r\n]+/g, ' ')));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  return lines.map((line) => lineText(line, widths)).join('\n');
}

const width = (text: string): number => stripVTControlCharacters(text).length;

const lineText = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
    .join('   ')
    .trimEnd();
