/** Programs with their own loader and libraries in one directory, as the set-up makes them. */
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';

export type Bundle = {
  readonly directory: string;
  readonly loader: string;
  /** The beginning of a command line; it means the directory as the first descriptor. */
  readonly run: (name: string) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** An app's user may not be able to reach the bundle by its path (a clone in /root); a descriptor gets past that. */
const DIRECTORY = '/proc/self/fd/3';

const description = z.object({ loader: z.string().regex(/^[\w.-]+$/) });

/** Undefined when there is none. */
export function findBundle(directory: string | undefined): Bundle | undefined {
  if (directory === undefined || !existsSync(`${directory}/bundle.json`)) return undefined;
  const { loader } = description.parse(JSON.parse(readFileSync(`${directory}/bundle.json`, 'utf8')));
  const lib = `${DIRECTORY}/lib`;
  return {
    directory,
    loader,
    run: (name) => [`${lib}/${loader}`, '--library-path', lib, `${DIRECTORY}/bin/${name}`],
    env: { XKB_CONFIG_ROOT: `${DIRECTORY}/share/xkb` },
  };
}
