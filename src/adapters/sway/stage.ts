/** What a compositor draws on. */
import type { Backend, Size } from './sway-config.ts';

/** `owner` of the socket, where that must be somebody in particular's. */
export type Stage = {
  readonly backend: Backend;
  readonly socket: string | undefined;
  readonly owner: number | undefined;
};

/** Of one app: with the screen that all are seen on, or without. */
export type AppStage = { readonly stage: Stage; readonly size: Size };

export const NO_SCREEN: Stage = { backend: 'headless', socket: undefined, owner: undefined };
