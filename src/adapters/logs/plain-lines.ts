/** A line of an app whose words went through a terminal into a file (Dobby's logging plugin): nobody wrote down when, and where to. */
import type { LogLine } from '../../domain/api.ts';

export const plainLine = (line: string): LogLine => ({
  time: '',
  stream: 'stdout',
  text: line.replace(/\r+$/, ''),
  partial: false,
});
