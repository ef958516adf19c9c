/** The user of an app, or of a screen. */
export type User = { readonly uid: number; readonly gid: number };
