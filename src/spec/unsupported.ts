/** What an app may ask for that this version cannot give yet: refused by name, not quietly left out. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';

type Refusal = { readonly member: string; readonly asked: (app: App) => boolean; readonly next: string };

/** A row goes when its feature comes. */
const REFUSALS: readonly Refusal[] = [
  {
    member: 'rootfs.image',
    asked: ({ rootfs }) => 'image' in rootfs,
    next: 'unpack the image (skopeo copy, umoci unpack) and run it with rootfs.bundle',
  },
];

/** Throws NOT_SUPPORTED naming the member. */
export function refuseUnsupported(app: App): void {
  for (const { member, asked, next } of REFUSALS) {
    if (asked(app)) throw notSupported(member, next);
  }
}

export const notSupported = (member: string, next: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: `${member} is not supported by this version`,
    next,
    details: { member },
  });
