/**
 * The one way a container's runtime state is deleted.
 *
 * After a runtime was killed in a restore, ROOT/ID/criu-root is still a recursive bind mount of the app's root file system.
 * `runc delete -f` then deletes the app's files through that mount (measured: facts/engine.md §7). So: never `-f`; every mount
 * below ROOT/ID is detached first, and nothing is removed while one is left; what the runtime itself will not take away is
 * removed without ever crossing a file system (rm(1) --one-file-system).
 */
import { stat } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Wait } from '../../ports/wait.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { RunTool } from '../process/run-tool.ts';

type Target = {
  readonly binary: string;
  readonly stateRoot: string;
  readonly id: ContainerId;
  /** Text of /proc/self/mountinfo, read afresh at each call. */
  readonly readMounts: () => Promise<string>;
};

/** The container's processes must be gone. "Not there" is success. Throws TOOL_FAILED and leaves all as it was. */
export async function removeStateSafely(runTool: RunTool, target: Target, wait: Wait): Promise<void> {
  const { binary, stateRoot, id, readMounts } = target;
  const directory = `${stateRoot}/${id}`;
  if (!(await exists(directory))) return;
  for (const mountPoint of mountsBelow(directory, await readMounts())) {
    // one may have gone with another; the check below is what counts
    await runTool(['umount', '-l', mountPoint], wait).catch(ignoreToolFailure);
  }
  await refuseMounts(directory, readMounts);
  // asked politely: a broken state makes it fail, and then the directory itself is what is left to remove
  await runTool([binary, '--root', stateRoot, 'delete', id], wait).catch(ignoreToolFailure);
  if (!(await exists(directory))) return;
  await refuseMounts(directory, readMounts);
  await runTool(['rm', '-rf', '--one-file-system', '--', directory], wait);
}

function ignoreToolFailure(error: unknown): void {
  if (!(error instanceof RuntimeError && (error.code === 'TOOL_FAILED' || error.code === 'NO_SPACE'))) throw error;
}

async function refuseMounts(directory: string, readMounts: () => Promise<string>): Promise<void> {
  const left = mountsBelow(directory, await readMounts());
  if (left.length === 0) return;
  throw new RuntimeError('TOOL_FAILED', {
    what: `${directory} is not removed: files of the app are mounted below it`,
    next: `unmount ${left.join(', ')}`,
    details: { mounts: left },
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
}
