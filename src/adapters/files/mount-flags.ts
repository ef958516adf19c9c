/**
 * The flags of a mount that a bind of it must keep. In a user namespace the kernel locks the flags of every mount that came from
 * outside (mount_namespaces(7), "Restrictions on mount namespaces"): a remount that drops one is EPERM. runc before 1.2 gives up then,
 * newer ones and crun try again with the flags; a bind that names them all needs no second try.
 */
import { open, readFile } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';

/** open(2): for looking only. Neither a device nor a FIFO notices, and a socket can be opened so, too. */
const O_PATH = 0o10000000;

/**
 * Those of access times (noatime, relatime, nodiratime) are locked, too, but a remount that names none of them keeps them all (mount(2)),
 * and crun 1.28 takes `relatime` for `nosymfollow`, which has the same number in another system call.
 */
const LOCKED: readonly string[] = ['ro', 'nosuid', 'nodev', 'noexec'];

/** As options of an OCI mount, by path; a path that is not there has none. Follows links, as a mount does. */
export async function lockedFlags(paths: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const wanted = [...new Set(paths)];
  const ids = await Promise.all(wanted.map(mountIdOf));
  const flags = flagsById(await readFile('/proc/self/mountinfo', 'utf8'));
  return new Map(wanted.map((path, index) => [path, flags.get(ids[index] ?? '') ?? []]));
}

/** Of the mount that the kernel finds for this path, also where one mount lies over another. Source: proc(5), fdinfo. */
async function mountIdOf(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, O_PATH);
    return /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${file.fd}`, 'utf8'))?.[1];
  } catch (error) {
    // the runtime says what is wrong with it
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return undefined;
    throw error;
  }
}

/** `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw`: the sixth field has the flags of the mount (proc(5)). */
const flagsById = (mountInfo: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    mountInfo.split('\n').map((line) => {
      const [id = '', , , , , options = ''] = line.split(' ');
      return [id, options.split(',').filter((option) => LOCKED.includes(option))];
    }),
  );
