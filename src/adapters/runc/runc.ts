/**
 * runc and crun: the OCI runtime command line. What both do alike is here; neither is asked for what the kernel says faster
 * (pause, kill, state: see the control groups and /proc).
 */
import { readdir, readFile } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { SET_UP } from '../../domain/set-up.ts';
import type { OciRuntime } from '../../ports/oci-runtime.ts';
import type { RunTool } from '../process/run-tool.ts';
import { removeStateSafely } from './remove-state.ts';

type Options = { readonly name: 'runc' | 'crun'; readonly binary: string; readonly stateRoot: string };

export function ociRuntime(runTool: RunTool, { name, binary, stateRoot }: Options): OciRuntime {
  return {
    name,
    binary,
    stateRoot,
    start: async (id, wait) => {
      await runTool([binary, '--root', stateRoot, 'start', id], wait).catch((error: unknown) => {
        throw startError(id, error);
      });
    },
    checkpoint: async (id, { imageDirectory, workDirectory }, wait) => {
      const places = ['--image-path', imageDirectory, '--work-path', workDirectory];
      // cgroups are made anew from config.json at the restore: CRIU would dump and re-create whole foreign trees (hybrid, v1)
      const options = [...places, '--manage-cgroups-mode=ignore'];
      if (name === 'crun') throw unableToDump('crun does not tell CRIU of the devices in a user namespace');
      await runTool([binary, '--root', stateRoot, 'checkpoint', ...options, id], wait).catch((error: unknown) => {
        throw KNOWS_NO_IGNORE.test(String(error)) ? unableToDump('this runc is older than 1.2') : error;
      });
    },
    remove: (id, wait) => removeStateSafely(runTool, { binary, stateRoot, id, readMounts }, wait),
    known: async () => {
      const names = await readdir(stateRoot).catch((error: unknown) => {
        if (isErrno(error, 'ENOENT')) return [];
        throw error;
      });
      // crun keeps files of its own beside the containers' directories, all with a dot in front
      return names.filter((entry) => !entry.startsWith('.')) as ContainerId[];
    },
  };
}

const readMounts = (): Promise<string> => readFile('/proc/self/mountinfo', 'utf8');

function startError(id: ContainerId, error: unknown): unknown {
  if (!(error instanceof RuntimeError) || error.code !== 'TOOL_FAILED') return error;
  return new RuntimeError('START_FAILED', { what: `container ${id} was not started`, cause: error });
}

/** Debian 12 and 13 have runc 1.1, which says this of the option above. */
const KNOWS_NO_IGNORE = /Invalid manage cgroups mode/i;

const unableToDump = (why: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'this OCI runtime cannot hibernate apps',
    next: `install runc 1.2 or newer (${SET_UP}), and take \`runtime: auto\` or \`runc\``,
    cause: why,
  });
