/** conmon's log format, one line each: `2026-11-23T07:17:31.123456789+00:00 stdout F text`; P marks a partial line. */
import type { LogLine } from '../../domain/api.ts';

const LINE = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s;

export function parseLine(line: string): LogLine | undefined {
  const [, time, stream, tag, text] = LINE.exec(line) ?? [];
  if (time === undefined || text === undefined || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
  return { time, stream, text, partial: tag === 'P' };
}
