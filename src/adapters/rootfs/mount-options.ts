/** Options of a bundle's mounts: runtime-spec config.md (mounts), mount(8), fstab(5), and Dobby's own. */

/** Say what ours do anyway, or make no difference inside an app. */
const IMPLIED = new Set(
  (
    'bind rbind ro rro rw rrw nosuid nodev private rprivate slave rslave shared rshared unbindable runbindable ' +
    'relatime norelatime noatime nodiratime strictatime nostrictatime atime diratime ratime rnoatime rrelatime ' +
    'rnorelatime rstrictatime rnostrictatime rdiratime rnodiratime lazytime nolazytime iversion noiversion ' +
    'async sync dirsync defaults rnosuid rnodev silent loud mand nomand auto noauto nofail _netdev user nouser users ' +
    'owner group symfollow rsymfollow nouid'
  ).split(' '),
);
const KEPT = /^(noexec|rnoexec|size=\d+[kmgKMG%]?|nr_inodes=\d+[kmgKMG]?|mode=0?[0-7]{3,4})$/;
/** The bundle's users do not exist here: its tmpfs belong to the app. Execution and the like are ours to grant. */
const DROPPED = /^(uid=\d+|gid=\d+|exec|suid|dev|rexec|rsuid|rdev|nr_blocks=\d+[kmgKMG]?|huge=\w+)$/;
/** For mount(8) and other programs; `X-mount.mkdir`: every mount point is made here anyway. */
const FOR_OTHERS = /^(X-|x-|comment=)/;
/** Dobby's (BundleGen), and fstab's. */
const OPTIONAL = ['X-dobby.optional', 'nofail'];

/** Without its source the mount is left out. */
export const isOptional = (options: readonly string[]): boolean => options.some((option) => OPTIONAL.includes(option));

export const keptOptions = (options: readonly string[]): readonly string[] =>
  options.filter((option) => KEPT.test(option));

export function faultsOfOptions(options: readonly string[]): readonly string[] {
  const isGood = (option: string): boolean =>
    KEPT.test(option) || IMPLIED.has(option) || DROPPED.test(option) || FOR_OTHERS.test(option);
  return options.filter((option) => !isGood(option)).map((option) => `option ${JSON.stringify(option)} is not known`);
}
