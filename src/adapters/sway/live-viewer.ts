/** The program that shows a display to viewers: that of the bundle that the set-up makes, else the machine's own. */
import { findTool } from '../process/find-tool.ts';
import { findBundle } from './bundle.ts';
import type { Places } from './compositor.ts';

export type LiveViewer = {
  /** The beginning of a command line. */
  readonly wayvnc: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the command line means by descriptors, to be handed on as the first ones. */
  readonly directories: readonly string[];
};

/** Undefined when there is none on this machine. */
export function findLiveViewer({ bundle: directory, searchPath }: Places): LiveViewer | undefined {
  const bundle = findBundle(directory);
  if (bundle !== undefined) {
    return { wayvnc: bundle.run('wayvnc'), env: bundle.env, directories: [bundle.directory] };
  }
  const wayvnc = findTool('wayvnc', searchPath);
  return wayvnc === undefined ? undefined : { wayvnc: [wayvnc], env: {}, directories: [] };
}
