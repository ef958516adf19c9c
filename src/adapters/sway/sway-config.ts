/** What sway is told. Source: sway(5), sway-output(5). */

export type Size = { readonly width: number; readonly height: number };

/** Where the app's windows are, and what is in front while it is hidden: empty, so nothing is drawn and nothing gets input. */
export const SHOWN = '1';
export const HIDDEN = 'hidden';

/** What a compositor draws on: memory, a window of another compositor, or the machine's screens. */
export type Backend = 'headless' | 'wayland' | 'drm';

/** `swaybg_command -` and `xwayland disable` save two processes and 7 MB. */
const PLAIN = [
  'xwayland disable',
  'swaybg_command -',
  'swaynag_command -',
  'default_border none',
  'default_floating_border none',
  'focus_on_window_activation none',
];

const inLines = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** Whatever the app opens, it opens on its workspace. */
export const swayConfig = (size: Size, backend: Backend): string =>
  inLines([
    ...PLAIN,
    ...resizing(size, backend),
    `workspace ${SHOWN}`,
    `assign [title=".*"] workspace ${SHOWN}`,
    'for_window [title=".*"] fullscreen enable',
  ]);

/** Each window is a display of an app, and we say which is in front of which. */
export const screenConfig = (size: Size, backend: Backend): string =>
  inLines([
    ...PLAIN,
    'focus_follows_mouse no',
    'floating_maximum_size -1 x -1',
    'seat * hide_cursor 5000',
    ...resizing(size, backend),
    `workspace ${SHOWN}`,
    'for_window [title=".*"] floating enable',
  ]);

/** A window of another compositor has no rate of its own, and a real screen no size to choose. */
export const resizing = ({ width, height }: Size, backend: Backend): readonly string[] => {
  if (backend === 'headless') return [`output HEADLESS-1 mode --custom ${width}x${height}@60Hz`];
  return backend === 'wayland' ? [`output WL-1 mode --custom ${width}x${height}`] : [];
};
