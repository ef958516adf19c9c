/** The host tools that read, unpack and mount packages. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool, ToolResult } from '../process/run-tool.ts';

export type PackageTools = (
  argv: readonly string[],
  options?: { readonly accept?: readonly number[]; readonly signal?: AbortSignal },
) => Promise<ToolResult>;

/** Ends with the daemon (prctl(2) PR_SET_PDEATHSIG): the next one begins anew. */
const WITH_DAEMON = ['setpriv', '--pdeathsig', 'KILL'];
/** For one step. An image is unpacked for everybody who waits for it, so no caller's end stops it. */
const STEP_MS = 600_000;

export const packageTools =
  (runTool: RunTool): PackageTools =>
  async (argv, options = {}) => {
    const wait: Wait = { signal: new AbortController().signal, timeoutMs: STEP_MS };
    try {
      return await runTool([...WITH_DAEMON, ...argv], { ...wait, ...options });
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
      next: `install Debian's package that has ${tool} (in a clone: npm run setup)`,
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
