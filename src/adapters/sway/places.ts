/** Where the files of a display lie, and what is written down of it. */
import { chown, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { isErrno } from '../../domain/errors.ts';
import { readSmall } from '../files/read-small.ts';
import type { User } from './user.ts';

/** Sway's own choice in a directory of its own. */
export const SOCKET = 'wayland-1';

/** What the compositor works in and makes its sockets in. It is the app's: nothing in it is trusted. */
export type OwnPlaces = { readonly own: string; readonly socket: string; readonly ipc: string };

const ownPlaces = (own: string): OwnPlaces => ({ own, socket: `${own}/${SOCKET}`, ipc: `${own}/ipc.sock` });

/** Of a display on the host. Only `own` is the app's: what we read and trust lies beside it. */
export const placesIn = (directory: string) => ({
  ...ownPlaces(`${directory}/own`),
  directory,
  /** Its path is an argument of the compositor, which is found by it when nothing else is known. */
  config: `${directory}/sway.config`,
  log: `${directory}/sway.log`,
  record: `${directory}/record.json`,
});

export type DisplayPlaces = ReturnType<typeof placesIn>;

/** Of a display in the app's container, whose XDG_RUNTIME_DIR this directory is. */
export const insidePlaces = (directory: string) => ({
  ...ownPlaces(directory),
  config: `${directory}/sway.config`,
});

const recordSchema = z.object({
  process: z.object({ pid: z.int(), startTime: z.string() }),
  backend: z.enum(['headless', 'wayland', 'drm']).default('headless'),
});

export type DisplayRecord = z.output<typeof recordSchema>;
type NewRecord = z.input<typeof recordSchema>;

/** Undefined when nothing was written: the compositor was not seen to be there. */
export async function readRecord({ record }: DisplayPlaces): Promise<DisplayRecord | undefined> {
  const text = await readSmall(record).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  return text === undefined ? undefined : recordSchema.parse(JSON.parse(text));
}

/** Whole or not at all. It lives in /run: nothing has to be flushed. */
export async function writeRecord({ record }: DisplayPlaces, content: NewRecord): Promise<void> {
  await writeFile(`${record}.new`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${record}.new`, record);
}

/** Throws EEXIST when the name is taken. */
export async function makePlaces({ directory, config }: DisplayPlaces, text: string): Promise<void> {
  await mkdir(directory, { mode: 0o711 });
  await writeFile(config, text, { mode: 0o644 });
}

/**
 * Made once for a run, and there as it was for each wake: CRIU opens again what the compositor had open in it (its lock file).
 * The app's own from then on, so nothing is written to it later. False when it was there.
 */
export async function makeInsidePlaces(
  { own, config }: { own: string; config: string },
  text: string,
  user: User,
): Promise<boolean> {
  if (await isThere(own)) return false;
  const making = `${own}.new`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o700 });
  await writeFile(config.replace(own, making), text, { mode: 0o644 });
  await chown(making, user.uid, user.gid);
  await rename(making, own);
  return true;
}

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
