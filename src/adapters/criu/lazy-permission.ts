/**
 * CRIU opens its userfaultfd from inside the app's user namespace, which the kernel allows only while
 * vm.unprivileged_userfaultfd is 1 (userfaultfd(2); default 0). It is 1 for the moment of a wake and what it was before after it.
 */
import { changeSetting, type Change } from '../process/guarded-setting.ts';

const SETTING = '/proc/sys/vm/unprivileged_userfaultfd';

export type LazyPermission = {
  /** Throws NOT_SUPPORTED where the kernel has no such setting. Disposing gives the permission back. */
  readonly take: () => Promise<AsyncDisposable>;
};

/** `enter`: as {@link Change} has it. */
export const lazyPermission = (searchPath: string, enter: Change['enter']): LazyPermission => ({
  take: () => changeSetting({ file: SETTING, during: '1', after: '0', searchPath, ...(enter && { enter }) }),
});
