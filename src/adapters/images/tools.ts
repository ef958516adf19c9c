/** The host tools that do the heavy work on images: none of it on the event loop or its thread pool, which everything else needs. */
import { dirname } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { heldTool } from '../process/held-tools.ts';
import type { RunTool } from '../process/run-tool.ts';

export type ImageTools = {
  /** fdatasync of files and directories (sync(1) -d). */
  readonly flush: (paths: readonly string[], wait: Wait) => Promise<void>;
  /** By path. */
  readonly checksums: (paths: readonly string[], wait: Wait) => Promise<ReadonlyMap<string, string>>;
  /** Writes `target`, which must not exist. */
  readonly compress: (
    source: string,
    target: string,
    order: { readonly level: number; readonly wait: Wait },
  ) => Promise<void>;
  readonly decompress: (source: string, target: string, wait: Wait) => Promise<void>;
};

/** Ends with the daemon (prctl(2) PR_SET_PDEATHSIG): nobody would look after what it leaves. */
const WITH_DAEMON = ['setpriv', '--pdeathsig', 'KILL'];
const SLOWLY = ['nice', '-n', '19', 'ionice', '-c', '3'];
const GENTLY = [...WITH_DAEMON, ...SLOWLY];
/** Below what execve(2) takes, with long paths. */
const PATHS_AT_ONCE = 256;

export function imageTools(runTool: RunTool): ImageTools {
  const inLots = async (argv: readonly string[], paths: readonly string[], wait: Wait): Promise<string> => {
    let output = '';
    for (let start = 0; start < paths.length; start += PATHS_AT_ONCE) {
      output += (await runTool([...argv, '--', ...paths.slice(start, start + PATHS_AT_ONCE)], wait)).stdout;
    }
    return output;
  };
  const zstd = async (argv: readonly string[], wait: Wait): Promise<void> => {
    try {
      // it replaces the source's file, and reads the other one: what lies next to them is the app's memory as well
      const reach = argv.filter((word) => word.startsWith('/')).map(dirname);
      await runTool(heldTool('zstd', argv, { writes: reach }), wait);
    } catch (error) {
      throw explained(error);
    }
  };
  return {
    flush: async (paths, wait) => {
      await inLots([...WITH_DAEMON, 'sync', '-d'], paths, wait);
    },
    checksums: async (paths, wait) => {
      const lines = (await inLots([...GENTLY, 'sha256sum'], paths, wait)).split('\n').filter(Boolean);
      return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
    },
    // no progress, one thread; zstd takes over the owner and the mode of its source
    compress: (source, target, { level, wait }) =>
      zstd([...SLOWLY, 'zstd', '-q', `-${level}`, '-T1', source, '-o', target], wait),
    decompress: (source, target, wait) => zstd(['zstd', '-q', '-d', source, '-o', target], wait),
  };
}

/** A full disk is something else than a broken file. */
function explained(error: unknown): unknown {
  return error instanceof RuntimeError && error.code === 'NO_SPACE' ? noSpace('the disk became full', error) : error;
}

export const noSpace = (what: string, cause: unknown): RuntimeError =>
  new RuntimeError('NO_SPACE', { what, next: 'make room on the disk of the images', cause });

/** An error of the operating system that means a full disk, as NO_SPACE. */
export const explainWrite = (what: string, error: unknown): unknown =>
  isErrno(error, 'ENOSPC', 'EDQUOT') ? noSpace(what, error) : error;
