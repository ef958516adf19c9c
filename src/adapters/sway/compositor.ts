/** The programs of a display: those of the bundle that the set-up makes, else the machine's own. */
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { findTool } from '../process/find-tool.ts';

export type Compositor = {
  /** The beginning of a command line. */
  readonly sway: readonly string[];
  readonly grim: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the command lines mean by {@link BUNDLE}: to be handed on as the first descriptor. None for the machine's own programs. */
  readonly directories: readonly string[];
  /** For containers; none for the machine's own programs, which need what their root file system does not have. */
  readonly bundle: { readonly bundle: string; readonly loader: string } | undefined;
};

/** An app's user may not be able to reach the bundle by its path (a clone in /root); a descriptor gets past that. */
const BUNDLE = '/proc/self/fd/3';

type Places = {
  /** Directory that scripts/setup/display-bundle.mjs makes. */
  readonly bundle: string | undefined;
  readonly searchPath: string;
};

const description = z.object({ loader: z.string().regex(/^[\w.-]+$/) });

/** Undefined when there is none on this machine. */
export function findCompositor({ bundle, searchPath }: Places): Compositor | undefined {
  if (bundle !== undefined && existsSync(`${bundle}/bundle.json`)) {
    const { loader } = description.parse(JSON.parse(readFileSync(`${bundle}/bundle.json`, 'utf8')));
    return bundled(bundle, loader);
  }
  const [sway, grim] = [findTool('sway', searchPath), findTool('grim', searchPath)];
  if (sway === undefined || grim === undefined) return undefined;
  return { sway: [sway], grim: [grim], env: {}, directories: [], bundle: undefined };
}

/** With the bundle's own loader and libraries. */
function bundled(directory: string, loader: string): Compositor {
  const run = (name: string): readonly string[] => [
    `${BUNDLE}/lib/${loader}`,
    ...['--library-path', `${BUNDLE}/lib`],
    `${BUNDLE}/bin/${name}`,
  ];
  const env = { XKB_CONFIG_ROOT: `${BUNDLE}/share/xkb` };
  return { sway: run('sway'), grim: run('grim'), env, directories: [directory], bundle: { bundle: directory, loader } };
}
