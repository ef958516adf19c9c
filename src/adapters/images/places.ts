/** Where an image lies, and what its own files are called. */
import type { ContainerId } from '../../domain/ids.ts';

export const MANIFEST = 'manifest.json';
export const CONFIG = 'config.json';
/** Which files were decompressed for a wake, and in which boot. Losing it costs nothing but doing that again. */
export const OPENED = 'opened.json';

export const temporary = (name: string): string => `${name}.tmp`;
export const compressed = (name: string): string => `${name}.zst`;

/** Ours, and no part of what CRIU wrote. */
export const OWN_FILES: ReadonlySet<string> = new Set(
  [MANIFEST, CONFIG, OPENED].flatMap((name) => [name, temporary(name)]),
);

const DRAFT = '.draft+';
const REPLACED = '.old+';
const GONE = '.gone+';
const ASIDE = '.over+';

export type Places = {
  readonly root: string;
  readonly image: (id: ContainerId) => string;
  readonly draft: (id: ContainerId) => string;
  /** An image for as long as the next one takes its place. */
  readonly replaced: (id: ContainerId) => string;
  /** The files of a draft that became too large, until it is known whether its dump has failed. */
  readonly aside: (id: ContainerId) => string;
  /** What is being deleted; nothing reads it. */
  readonly gone: (id: ContainerId) => string;
};

/** No container id begins with a dot (domain/ids.ts plainName). */
export const places = (root: string): Places => ({
  root,
  image: (id) => `${root}/${id}`,
  draft: (id) => `${root}/${DRAFT}${id}`,
  replaced: (id) => `${root}/${REPLACED}${id}`,
  aside: (id) => `${root}/${ASIDE}${id}`,
  gone: (id) => `${root}/${GONE}${id}`,
});

/** Whose image, draft or rest of one it is; undefined for what is not ours. */
export function ownerOf(name: string): ContainerId | undefined {
  const prefix = [DRAFT, REPLACED, GONE, ASIDE].find((one) => name.startsWith(one)) ?? '';
  const id = name.slice(prefix.length);
  return id === '' || id.startsWith('.') ? undefined : (id as ContainerId);
}

export const isGone = (name: string): boolean => name.startsWith(GONE);
export const isDraft = (name: string): boolean => name.startsWith(DRAFT);
