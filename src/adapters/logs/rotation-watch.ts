/** Hears when conmon takes the next file of an app's log (inotify(7): IN_MOVE_SELF of the file itself). */
import { watch, type FSWatcher } from 'node:fs';
import type { ContainerId } from '../../domain/ids.ts';

export type RotationWatch = {
  /** Waits for this file in place of the last one; for none when undefined. */
  readonly attend: (id: ContainerId, next: string | undefined) => void;
  readonly has: (id: ContainerId) => boolean;
  readonly leaveAllBut: (ids: ReadonlySet<ContainerId>) => void;
};

/** `onRotation` is called once for each file; what it throws is for the next look to find. */
export function rotationWatch(onRotation: (id: ContainerId) => Promise<unknown>): RotationWatch {
  const waiting = new Map<ContainerId, { readonly next: string; readonly watcher: FSWatcher }>();

  function leave(id: ContainerId): void {
    waiting.get(id)?.watcher.close();
    waiting.delete(id);
  }

  function listen(id: ContainerId, next: string): void {
    // the file is written to from now on, which would be told each time
    const watcher = watch(next, { persistent: false }, () => {
      if (waiting.get(id)?.watcher !== watcher) return;
      leave(id);
      // the next look at this log does what this one could not
      onRotation(id).catch(() => undefined);
    });
    watcher.on('error', () => leave(id));
    waiting.set(id, { next, watcher });
  }

  return {
    attend: (id, next) => {
      if (next !== undefined && waiting.get(id)?.next === next) return;
      leave(id);
      try {
        if (next !== undefined) listen(id, next);
      } catch {
        // no watch is left (fs.inotify.max_user_watches), or the file has gone: who reads looks, too
      }
    },
    has: (id) => waiting.has(id),
    leaveAllBut: (ids) => {
      for (const id of waiting.keys()) if (!ids.has(id)) leave(id);
    },
  };
}
