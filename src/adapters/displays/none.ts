/** A machine without displays. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Displays } from '../../ports/displays.ts';

export const noDisplays: Displays = {
  offered: false,
  placeOf: () => {
    throw refusal();
  },
  createDisplay: () => Promise.reject(refusal()),
  destroyDisplay: () => Promise.resolve(),
  controls: null,
};

const refusal = (): RuntimeError =>
  new RuntimeError('DISPLAY_FAILED', {
    what: 'no display can be made: this daemon has none to give',
    next: 'set displays.provider in the configuration, or run the app without a display',
  });
