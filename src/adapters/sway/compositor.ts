/** The programs of a display: those of the bundle that the set-up makes, else the machine's own. */
import { findTool } from '../process/find-tool.ts';
import { findBundle } from './bundle.ts';

export type Compositor = {
  /** The beginning of a command line. */
  readonly sway: readonly string[];
  readonly grim: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the command lines mean by descriptors, to be handed on as the first ones. None for the machine's own programs. */
  readonly directories: readonly string[];
  /** For containers; none for the machine's own programs, which need what their root file system does not have. */
  readonly bundle: { readonly bundle: string; readonly loader: string } | undefined;
};

export type Places = {
  /** Directory that the set-up makes (scripts/setup). */
  readonly bundle: string | undefined;
  readonly searchPath: string;
};

/** Undefined when there is none on this machine. */
export function findCompositor({ bundle: directory, searchPath }: Places): Compositor | undefined {
  const bundle = findBundle(directory);
  if (bundle !== undefined) {
    const { run, env, loader } = bundle;
    const inside = { bundle: bundle.directory, loader };
    return { sway: run('sway'), grim: run('grim'), env, directories: [bundle.directory], bundle: inside };
  }
  const [sway, grim] = [findTool('sway', searchPath), findTool('grim', searchPath)];
  if (sway === undefined || grim === undefined) return undefined;
  return { sway: [sway], grim: [grim], env: {}, directories: [], bundle: undefined };
}
