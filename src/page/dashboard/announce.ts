/** What a screen reader says, and what went wrong last. */
import { signal } from '@preact/signals';

export const announcement = signal('');

export const announce = (text: string): void => {
  announcement.value = text;
};
