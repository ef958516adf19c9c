/** Reads a file that must be one: a FIFO, a device or a socket in its place hangs or never ends, and a link leads elsewhere. */
import { constants } from 'node:fs';
import { open, readlink } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';

type Options = {
  /** More is refused: no file of the daemon is that large. */
  readonly maxBytes?: number;
  /** For files that people name or may link: a link is followed, and must lead to a plain file. */
  readonly links?: 'followed' | 'refused';
};

const MAX_BYTES = 16 * 2 ** 20;

/** The whole text. Throws CORRUPT_FILE for anything but a plain file of bounded size, and what open(2) throws, ENOENT for instance. */
export async function readSmall(
  path: string,
  { maxBytes = MAX_BYTES, links = 'refused' }: Options = {},
): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (links === 'refused' ? constants.O_NOFOLLOW : 0);
  await using file = await open(path, flags).catch((error: unknown) => {
    if (isErrno(error, 'ELOOP')) throw wrong(path, 'it is a link');
    // a socket, or a device without a driver (open(2))
    if (isErrno(error, 'ENXIO', 'ENODEV')) throw wrong(path, 'it is a socket or a device');
    throw error;
  });
  const stats = await file.stat();
  if (!stats.isFile()) throw wrong(path, `it is a ${kindOf(stats)}`);
  if (stats.size > maxBytes) throw wrong(path, `it has ${stats.size} bytes, and at most ${maxBytes} are read`);
  return await file.readFile('utf8');
}

/** As {@link readSmall}; undefined when nothing is there. A link that leads nowhere is something. */
export async function readSmallIfThere(path: string, options: Options = {}): Promise<string | undefined> {
  try {
    return await readSmall(path, options);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    if (await isLink(path)) throw wrong(path, 'it is a link that leads nowhere');
    return undefined;
  }
}

const isLink = (path: string): Promise<boolean> =>
  readlink(path).then(
    () => true,
    () => false,
  );

type Kinds = { readonly isDirectory: () => boolean; readonly isFIFO: () => boolean };

const kindOf = (stats: Kinds): string => (stats.isDirectory() ? 'directory' : stats.isFIFO() ? 'FIFO' : 'device');

const wrong = (path: string, why: string): RuntimeError =>
  new RuntimeError('CORRUPT_FILE', {
    what: `${path} is not a plain file`,
    next: `look at it (ls -l ${path}), and move it away or put the file back`,
    cause: why,
  });
