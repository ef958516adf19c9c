/**
 * CRIU opens its userfaultfd from inside the app's user namespace, which the kernel allows only while
 * vm.unprivileged_userfaultfd is 1 (userfaultfd(2); default 0). It is 1 for the moment of a wake and what it was before after it;
 * wakes side by side share that moment, also those of several daemons.
 */
import { changeSetting } from '../process/guarded-setting.ts';

const SETTING = '/proc/sys/vm/unprivileged_userfaultfd';

export type LazyPermission = {
  /** Throws NOT_SUPPORTED where the kernel has no such setting. Disposing gives the permission back. */
  readonly take: () => Promise<AsyncDisposable>;
};

export function lazyPermission(): LazyPermission {
  let users = 0;
  let change: Promise<AsyncDisposable> | undefined;

  async function giveBack(): Promise<void> {
    users--;
    if (users > 0) return;
    const last = change;
    change = undefined;
    await (await last)?.[Symbol.asyncDispose]();
  }

  return {
    take: async () => {
      users++;
      change ??= changeSetting({ file: SETTING, during: '1', after: '0' });
      try {
        await change;
      } catch (error) {
        users--;
        change = undefined;
        throw error;
      }
      return { [Symbol.asyncDispose]: giveBack };
    },
  };
}
