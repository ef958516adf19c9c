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

/**
 * Options of an OCI mount for what is mounted below the source, too. crun 1.4 to 1.8 (linux.c, do_mounts) opens the target of one as a
 * directory; a file has nothing below it.
 */
export const RECURSIVE = /^r(?:ro|rw|(?:no)?(?:suid|dev|exec|atime|diratime|relatime|symfollow)|strictatime)$/;

export type BindSource = {
  /** As options of an OCI mount. */
  readonly lockedFlags: readonly string[];
  readonly isDirectory: boolean;
};

/** By path; without those that are not there. Follows links, as a mount does. */
export async function lookAtSources(paths: readonly string[]): Promise<ReadonlyMap<string, BindSource>> {
  const seen = await Promise.all([...new Set(paths)].map(async (path) => ({ path, ...(await lookAt(path)) })));
  const flags = flagsById(await readFile('/proc/self/mountinfo', 'utf8'));
  return new Map(
    seen.flatMap(({ path, mountId, isDirectory }) =>
      isDirectory === undefined ? [] : [[path, { lockedFlags: flags.get(mountId ?? '') ?? [], isDirectory }] as const],
    ),
  );
}

type Look = { readonly mountId?: string | undefined; readonly isDirectory?: boolean };

/** Of the mount that the kernel finds for this path, also where one mount lies over another. Source: proc(5), fdinfo. */
async function lookAt(path: string): Promise<Look> {
  try {
    await using file = await open(path, O_PATH);
    const text = await readFile(`/proc/self/fdinfo/${file.fd}`, 'utf8');
    return { mountId: /^mnt_id:\s*(\d+)$/m.exec(text)?.[1], isDirectory: (await file.stat()).isDirectory() };
  } catch (error) {
    // the runtime says what is wrong with it
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return {};
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
