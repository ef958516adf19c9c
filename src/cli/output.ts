/** Data goes to stdout, words to stderr. */
import { styleText } from 'node:util';
import type { RuntimeError } from '../domain/errors.ts';

type Style = Parameters<typeof styleText>[0];

export type Output = {
  readonly json: boolean;
  /** One line of data for people and scripts. */
  readonly line: (text: string) => void;
  /** Data as it is, without a line end. */
  readonly raw: (data: string | Uint8Array) => void;
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
  return {
    json,
    line: (text) => stdout.write(`${text}\n`),
    raw: (data) => stdout.write(data),
    isTerminal: stdout.isTTY,
    data: (value) => stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => {
      if (!json) stderr.write(`${text}\n`);
    },
    error: (error) => stderr.write(`${json ? JSON.stringify(error) : errorText(error)}\n`),
    style: (style, text) => styleText(style, text, { stream: stdout }),
  };
}

function errorText(error: RuntimeError): string {
  const next = error.next === undefined ? [] : [`  next: ${error.next}`];
  return [`runtimectl: ${error.message}`, ...next].join('\n');
}
