/** How callers want an app's display to be. It is kept with the instance: over sleep, restarts of the app and of the daemon. */

export type DisplayView = {
  readonly visible: boolean;
  /** Whoever has the higher one is in front. */
  readonly zOrder: number;
  /** Rises with each call that gives anybody the focus: of those that can be seen, the highest has it. 0: never asked for. */
  readonly focus: number;
  /** In pixels; null: as it was made. */
  readonly size: { readonly width: number; readonly height: number } | null;
};

const FIRST_VIEW: DisplayView = { visible: true, zOrder: 0, focus: 0, size: null };

export const viewOf = ({ view = FIRST_VIEW }: { readonly view?: DisplayView }): DisplayView => view;
