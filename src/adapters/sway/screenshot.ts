/** A picture of a display, taken as the app's user: whatever answers at the socket can only harm the app. Source: grim(1). */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { asUser, type User } from './as-user.ts';
import type { SwayParts } from './parts.ts';
import { WORKING_DIRECTORY } from './start-program.ts';

/** 4K of noise. */
const MAX_PICTURE_BYTES = 64 * 2 ** 20;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export type Subject = {
  /** With the socket in it. */
  readonly directory: string;
  readonly socketName: string;
  readonly user: User;
};

/** PNG, with the quickest compression. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
export async function takePicture(
  { runTool, compositor }: Pick<SwayParts, 'runTool' | 'compositor'>,
  { directory, socketName, user }: Subject,
  wait: Wait,
): Promise<Buffer> {
  if (compositor === undefined) throw new RuntimeError('NOT_SUPPORTED', { what: 'there is no grim on this machine' });
  const { stdout } = await runTool(
    asUser(user, [
      ...['/usr/bin/env', '-i', `XDG_RUNTIME_DIR=${WORKING_DIRECTORY}`, `WAYLAND_DISPLAY=${socketName}`],
      ...[...compositor.grim, '-l', '1', '-'],
    ]),
    {
      ...wait,
      cwd: directory,
      directories: compositor.directories,
      encoding: 'latin1',
      maxOutputBytes: MAX_PICTURE_BYTES,
    },
  );
  const picture = Buffer.from(stdout, 'latin1');
  if (picture.subarray(0, PNG.length).equals(PNG)) return picture;
  throw new RuntimeError('TOOL_FAILED', { what: 'grim took no picture' });
}
