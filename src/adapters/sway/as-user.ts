/** Runs a program as an app's user, with nothing that root has. Source: setpriv(1). */
export type User = { readonly uid: number; readonly gid: number };

export const asUser = ({ uid, gid }: User, argv: readonly string[]): readonly string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
  '--',
  ...argv,
];
