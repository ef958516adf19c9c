/**
 * A picture of a display. What answers at the socket may be the app, so grim(1) is held: the app's user, no network, no files, a control
 * group of the app's own that is kept until the app ends (memory that the app keeps of grim's stays charged there), and no more memory
 * than a display of the given size needs.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { DisplaySize } from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { confined } from '../process/confine.ts';
import type { User } from './user.ts';
import type { DisplayGroups, SwayParts } from './parts.ts';
import { WORKING_DIRECTORY } from './start-program.ts';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Of width and height in a PNG, which begins with its IHDR (www.w3.org/TR/png, 5.6). */
const [WIDTH_AT, HEIGHT_AT, HEAD_BYTES] = [16, 20, 24];
/** The program with its libraries, and what is not a picture. */
const BASE_BYTES = 64 * 2 ** 20;
/** What the compositor shares, what grim makes of it, and the PNG of noise. */
const COPIES = 4;
const BYTES_A_PIXEL = 4;
const PROCESSES = 8;

export type Subject = {
  /** With the socket in it. */
  readonly directory: string;
  readonly socketName: string;
  readonly user: User;
  readonly group: ContainerId;
  /** That it was given: the last one, and the one before while it follows; undefined where the size is the screen's to say. */
  readonly sizes: readonly DisplaySize[] | undefined;
};

/** 8K, for a window of a screen whose size is not ours. */
const LARGEST: DisplaySize = { width: 7680, height: 4320 };

/** A view goes on while its display becomes larger. */
export const LARGEST_VIEW: DisplaySize = { width: 3840, height: 2160 };

export const frameBytes = (sizes: readonly DisplaySize[] = [LARGEST]): number =>
  Math.max(...sizes.map(({ width, height }) => width * height * BYTES_A_PIXEL));

/** PNG, with the quickest compression. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
export async function takePicture(
  {
    runTool,
    compositor,
    groups,
  }: Pick<SwayParts, 'runTool' | 'compositor'> & {
    readonly groups: Pick<DisplayGroups, 'prepare'>;
  },
  { directory, socketName, user, group, sizes }: Subject,
  wait: Wait,
): Promise<Buffer> {
  if (compositor === undefined) throw new RuntimeError('NOT_SUPPORTED', { what: 'there is no grim on this machine' });
  const fileBytes = frameBytes(sizes);
  const memoryBytes = BASE_BYTES + COPIES * fileBytes;
  const argv = confined([...compositor.grim, '-l', '1', '-'], {
    user,
    network: false,
    reads: compositor.directories,
    writes: ['/dev/shm'],
    limits: { fileBytes, cpuSeconds: Math.ceil(wait.timeoutMs / 1000) },
    groups: groups.prepare(group, { memoryBytes, pids: PROCESSES }),
    env: { XDG_RUNTIME_DIR: WORKING_DIRECTORY, WAYLAND_DISPLAY: socketName },
    endsWithDaemon: true,
  });
  const { stdout } = await runTool(argv, {
    ...wait,
    cwd: directory,
    directories: compositor.directories,
    encoding: 'latin1',
    maxOutputBytes: fileBytes + BASE_BYTES,
  }).catch((error: unknown) => {
    throw isTooLarge(error) ? tooLarge(sizes, error) : error;
  });
  const picture = Buffer.from(stdout, 'latin1');
  if (!picture.subarray(0, PNG.length).equals(PNG) || picture.length < HEAD_BYTES) {
    throw new RuntimeError('TOOL_FAILED', { what: 'grim took no picture' });
  }
  const [width, height] = [picture.readUInt32BE(WIDTH_AT), picture.readUInt32BE(HEIGHT_AT)];
  const isGiven = sizes?.some((one) => one.width === width && one.height === height) ?? true;
  if (!isGiven) throw tooLarge(sizes, `it says ${width}x${height}`);
  return picture;
}

/** A file that would be larger than allowed (setrlimit(2), RLIMIT_FSIZE). */
const isTooLarge = (error: unknown): boolean => error instanceof RuntimeError && error.message.includes('SIGXFSZ');

const tooLarge = (sizes: readonly DisplaySize[] = [LARGEST], cause: unknown): RuntimeError =>
  new RuntimeError('TOOL_FAILED', {
    what: `the display says that it has another size than ${sizes.map(({ width, height }) => `${width}x${height}`).join(' or ')}, which it was given`,
    next: 'end the app: what answers in the place of its compositor is not ours',
    cause,
  });
