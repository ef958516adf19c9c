/** What sway is told. Source: sway(5). */

export type Size = { readonly width: number; readonly height: number };

/** Where the app's windows are, and what is in front while it is hidden: empty, so nothing is drawn and nothing gets input. */
export const SHOWN = '1';
export const HIDDEN = 'hidden';

/** `swaybg_command -` and `xwayland disable` save two processes and 7 MB. Whatever the app opens, it opens on its workspace. */
export const swayConfig = ({ width, height }: Size): string =>
  [
    'xwayland disable',
    'swaybg_command -',
    'swaynag_command -',
    'default_border none',
    'default_floating_border none',
    'focus_on_window_activation none',
    `output HEADLESS-1 mode --custom ${width}x${height}@60Hz`,
    `workspace ${SHOWN}`,
    `assign [title=".*"] workspace ${SHOWN}`,
    'for_window [title=".*"] fullscreen enable',
  ]
    .map((line) => `${line}\n`)
    .join('');

export const resizing = ({ width, height }: Size): string => `output HEADLESS-1 mode --custom ${width}x${height}@60Hz`;
