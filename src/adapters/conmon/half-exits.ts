/** Exit files that a conmon was killed in the middle of. */
import { rm } from 'node:fs/promises';
import { isThere } from '../files/is-there.ts';
import { listDirectory } from '../files/list-directory.ts';

/** As g_file_set_contents of GLib makes it next to the file that it is to become. */
const HALF_EXIT = /^(.+)\.[A-Z0-9]{6}$/;

/** Only of containers that are forgotten: a running conmon may be writing one, and a container may be called so. */
export async function sweepHalfExits(exitDir: string, persistDir: string): Promise<void> {
  for (const name of await listDirectory(exitDir)) {
    const [, id] = HALF_EXIT.exec(name) ?? [];
    if (id === undefined) continue;
    const known = await Promise.all([id, name].map((one) => isThere(`${persistDir}/${one}`)));
    if (!known.includes(true)) await rm(`${exitDir}/${name}`, { force: true });
  }
}
