/** Data goes to stdout, words to stderr. On a terminal nothing of what an app has said is a command to it. */
import { once } from 'node:events';
import { styleText } from 'node:util';
import type { RuntimeError } from '../domain/errors.ts';
import { asciiControls, forTerminal } from '../domain/printable.ts';

type Style = Parameters<typeof styleText>[0];

export type Output = {
  readonly json: boolean;
  /** One line of data for people and scripts. */
  readonly line: (text: string) => void;
  /** Data as it is, without a line end. */
  readonly raw: (data: string | Uint8Array) => void;
  /** Comes when the reader has taken enough: whoever writes much waits for it. */
  readonly drained: () => Promise<void>;
  /** Whether a person would see what is written. */
  readonly isTerminal: boolean;
  /** Data for programs, on one line. */
  readonly data: (value: unknown) => void;
  /** Words for people; silent with --json. */
  readonly note: (text: string) => void;
  readonly error: (error: RuntimeError) => void;
  /** Styled where stdout is a terminal that wants it (NO_COLOR, FORCE_COLOR). */
  readonly style: (style: Style, text: string) => string;
};

export function output(json: boolean): Output {
  const { stdout, stderr } = process;
  const lineTo = (stream: NodeJS.WriteStream, text: string): void => {
    stream.write(`${stream.isTTY ? forTerminal(text) : text}\n`);
  };
  return {
    json,
    line: (text) => lineTo(stdout, text),
    raw: (data) => stdout.write(data),
    drained: () => drained(stdout),
    isTerminal: stdout.isTTY,
    data: (value) => stdout.write(`${asciiControls(JSON.stringify(value))}\n`),
    note: (text) => {
      if (!json) lineTo(stderr, text);
    },
    error: (error) => {
      if (json) stderr.write(`${asciiControls(JSON.stringify(error))}\n`);
      else lineTo(stderr, errorText(error));
    },
    style: (style, text) => styleText(style, text, { stream: stdout }),
  };
}

/** Node queues what a pipe does not take, without a bound. */
export async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableNeedDrain) await once(stream, 'drain');
}

function errorText(error: RuntimeError): string {
  const next = error.next === undefined ? [] : [`  next: ${error.next}`];
  return [`runtimectl: ${error.message}`, ...next].join('\n');
}
