/** The host tools that make, mount and delete storage. */
import { RuntimeError } from '../../domain/errors.ts';
import { unhurried } from '../../domain/unhurried.ts';
import { heldTool } from '../process/held-tools.ts';
import type { RunTool, ToolResult } from '../process/run-tool.ts';

export type StorageTools = (argv: readonly string[], accept?: readonly number[]) => Promise<ToolResult>;

/** An app may have millions of files. */
const STEP_MS = 600_000;

/** `writes`: all that they change lies below these. */
export const storageTools =
  (runTool: RunTool, writes: readonly string[]): StorageTools =>
  async (argv, accept = [0]) => {
    const wait = unhurried(STEP_MS);
    try {
      return await runTool(heldTool(argv[0] ?? '', argv, { writes }), { ...wait, accept });
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'NO_SPACE')) throw error;
      throw new RuntimeError('NO_SPACE', {
        what: 'the disk is full',
        next: 'make room on the disk of the apps’ storage',
        cause: error,
      });
    }
  };
