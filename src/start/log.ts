/** The daemon's own log on stderr: JSON lines, or readable ones on a terminal. */
import { styleText } from 'node:util';
import { printable } from '../domain/printable.ts';
import pino, { type Logger } from 'pino';

const COLOURS = { 20: 'gray', 30: 'green', 40: 'yellow', 50: 'red' } as const;
const NAMES = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' } as const;

type Line = {
  readonly level: keyof typeof NAMES;
  readonly time: string;
  readonly msg: string;
  readonly [fact: string]: unknown;
};

function readable(line: string): string {
  const { level, time, msg, pid: _pid, ...facts } = JSON.parse(line) as Line;
  const rest = Object.keys(facts).length > 0 ? ` ${styleText('gray', printable(JSON.stringify(facts)))}` : '';
  return `${time.slice(11, 23)} ${styleText(COLOURS[level], NAMES[level].padEnd(5))} ${printable(msg)}${rest}\n`;
}

/** Synchronous: the last line before a crash is the one that matters. */
export function openLog(level: string, terminal: boolean): Logger {
  const toStderr = pino.destination({ fd: 2, sync: true });
  // a full disk below a log file, or a terminal that was closed, ends no daemon
  toStderr.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  const stream = terminal ? { write: (line: string) => process.stderr.write(readable(line)) } : toStderr;
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}
