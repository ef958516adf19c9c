import { writeFile } from 'node:fs/promises';
import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { Command } from '../command.ts';
import { textOf } from '../options.ts';

/** The picture goes to the file or to stdout, what is known of it to stderr or, with --json, to stdout. */
export const screenshot: Command = async ({ operands, options, daemon, output }) => {
  const appInstanceId = operands[0] ?? '';
  const file = textOf(options, 'output');
  if (file === undefined && output.isTerminal && !output.json) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'a picture is nothing for a terminal',
      next: `runtimectl screenshot ${appInstanceId} -o picture.png`,
    });
  }
  const { png, takenAt, live } = await callOnce(daemon, ['getScreenshot', { appInstanceId }]);
  const picture = Buffer.from(png, 'base64');
  if (file !== undefined) await writeFile(file, picture);
  if (output.json) output.data({ takenAt, live, ...(file === undefined ? { png } : { file }) });
  else if (file === undefined) output.raw(picture);
  else output.line(`${file}: ${live ? 'as it is now' : `its last picture, of ${takenAt}`}`);
  return 0;
};
