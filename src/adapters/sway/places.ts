/** Where the files of a display lie, and what is written down of it. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { isErrno } from '../../domain/errors.ts';

/** Sway's own choice in a directory of its own. */
export const SOCKET = 'wayland-1';

/** Only `own` is the app's: what we read and trust lies beside it. */
export const placesIn = (directory: string) => ({
  directory,
  /** Where the compositor works. */
  own: `${directory}/own`,
  socket: `${directory}/own/${SOCKET}`,
  ipc: `${directory}/own/ipc.sock`,
  /** Its path is an argument of the compositor, which is found by it when nothing else is known. */
  config: `${directory}/sway.config`,
  log: `${directory}/sway.log`,
  record: `${directory}/record.json`,
});

export type DisplayPlaces = ReturnType<typeof placesIn>;

const recordSchema = z.object({
  process: z.object({ pid: z.int(), startTime: z.string() }),
  uid: z.int(),
  gid: z.int(),
});

export type DisplayRecord = z.output<typeof recordSchema>;

/** Undefined when nothing was written: the compositor was not seen to be there. */
export async function readRecord({ record }: DisplayPlaces): Promise<DisplayRecord | undefined> {
  const text = await readFile(record, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  return text === undefined ? undefined : recordSchema.parse(JSON.parse(text));
}

/** Whole or not at all. It lives in /run: nothing has to be flushed. */
export async function writeRecord({ record }: DisplayPlaces, content: DisplayRecord): Promise<void> {
  await writeFile(`${record}.new`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${record}.new`, record);
}

/** Throws EEXIST when the name is taken. */
export async function makePlaces({ directory, config }: DisplayPlaces, text: string): Promise<void> {
  await mkdir(directory, { mode: 0o711 });
  await writeFile(config, text, { mode: 0o644 });
}

export const removePlaces = ({ directory }: DisplayPlaces): Promise<void> =>
  rm(directory, { recursive: true, force: true });
