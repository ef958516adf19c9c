/** The host tools that read, unpack and mount packages. */
import { RuntimeError } from '../../domain/errors.ts';
import { SET_UP } from '../../domain/set-up.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Wait } from '../../ports/wait.ts';
import { heldTool } from '../process/held-tools.ts';
import type { RunTool, ToolResult } from '../process/run-tool.ts';

type PackageToolOptions = {
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
  /** The most that it may make of one file (RLIMIT_FSIZE). */
  readonly maxFileBytes?: number;
};

export type PackageTools = (argv: readonly string[], options?: PackageToolOptions) => Promise<ToolResult>;

/** For one step. An image is unpacked for everybody who waits for it, so no caller's end stops it. */
const STEP_MS = 600_000;

/** `directory`: all that they change lies below it. */
export const packageTools =
  (runTool: RunTool, directory: string): PackageTools =>
  async (argv, { maxFileBytes, ...options } = {}) => {
    const wait: Wait = unhurried(STEP_MS);
    const limited = maxFileBytes === undefined ? argv : ['prlimit', `--fsize=${maxFileBytes}`, ...argv];
    try {
      return await runTool(heldTool(argv[0] ?? '', limited, { writes: [directory] }), { ...wait, ...options });
    } catch (error) {
      throw explained(error);
    }
  };

/** A full disk and a missing tool are something else than a broken file. */
function explained(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  if (error.code === 'NO_SPACE') {
    return new RuntimeError('NO_SPACE', {
      what: 'the disk became full while a package was made ready',
      next: 'make room on the disk of the packages, or lower packages.budgetBytes',
      cause: error,
    });
  }
  const tool = /failed to execute ([^\s:]+)/.exec(error.message)?.[1];
  if (error.code === 'TOOL_FAILED' && tool !== undefined) {
    return new RuntimeError('NOT_SUPPORTED', {
      what: `${tool} is not there, and this kind of package needs it`,
      next: `install Debian's package that has ${tool} (${SET_UP})`,
      cause: error,
    });
  }
  return error;
}

/** The reason in a tool's last words: skopeo and umoci write a line for a log around it. */
export function reasonOf(error: unknown): unknown {
  if (!(error instanceof RuntimeError) || typeof error.cause !== 'string') return error;
  const said = /msg="((?:[^"\\]|\\.)*)"/.exec(error.cause)?.[1]?.replaceAll('\\"', '"') ?? error.cause;
  return said.split('⨯').at(-1)?.trim() ?? said;
}
