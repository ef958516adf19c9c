/** A program's output for a terminal, as it comes: characters and colours may be cut between two pieces. */
import { forTerminal } from '../domain/printable.ts';

/** The beginning of a colour, or of a line end. */
// eslint-disable-next-line no-control-regex -- ESC is what this is about
const UNFINISHED = /(?:\x1b(?:\[[\d;]{0,60})?|\r)$/;

export type TerminalStream = {
  readonly take: (data: Uint8Array) => string;
  /** What was held back. */
  readonly end: () => string;
};

export function terminalStream(): TerminalStream {
  const decoder = new TextDecoder();
  let held = '';
  return {
    take: (data) => {
      const text = held + decoder.decode(data, { stream: true });
      held = UNFINISHED.exec(text)?.[0] ?? '';
      return forTerminal(text.slice(0, text.length - held.length));
    },
    end: () => forTerminal(held + decoder.decode()),
  };
}
