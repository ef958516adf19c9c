/** Repairs a volume that e2fsck -p does not dare to: everything it asks is answered with yes, and what it overwrites is kept. */
import { rename, rm } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { StorageRepair } from '../../domain/results.ts';
import { isThere } from '../files/is-there.ts';
import { mustBeFree } from './claim.ts';
import { damaged } from './ext4.ts';
import type { StorageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

/** For e2undo(8): the blocks as they were before. */
export const UNDO = '.undo';
/** The one of the repair before. */
const OLDER = '.undo.old';
export const undoFilesOf = (file: string): readonly string[] => [`${file}${UNDO}`, `${file}${OLDER}`];

const MOST_LINES = 200;
const MOST_NAMES = 200;

type Target = { readonly file: string; readonly path: string; readonly appId: string };

/** Throws BUSY when something has it mounted, CORRUPT_FILE when it cannot be repaired. */
export async function repairVolume(tools: StorageTools, target: Target): Promise<StorageRepair> {
  const { file, appId } = target;
  await mustBeFree(tools, target);
  const [undo = '', older = ''] = undoFilesOf(file);
  if (await isThere(undo)) await rename(undo, older);
  const { stdout } = await tools(['e2fsck', '-f', '-y', '-z', undo, file], [0, 1, 2]).catch((error: unknown) => {
    throw verdictOf(error) === undefined ? error : beyondRepair(target, error);
  });
  const changes = changesIn(stdout, file);
  const repaired = changes.length > 0;
  if (!repaired) await rm(undo, { force: true });
  return {
    ...{ appId, file, repaired, changes: changes.slice(0, MOST_LINES), changeCount: changes.length },
    salvaged: await salvaged(tools, file),
    undoFile: repaired && (await isThere(undo)) ? undo : null,
  };
}

/** Version, headings of passes, the words about -z, and that the directory is made which is always removed when it is empty. */
const NOISE = /^(?:e2fsck \d|Pass \d|Overwriting existing filesystem;|e2undo \/|\/lost\+found not found|$)/;

const changesIn = (stdout: string, file: string): readonly string[] =>
  stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !NOISE.test(line) && !line.startsWith(`${file}: `));

function beyondRepair(target: Target, cause: unknown): RuntimeError {
  const { what, details } = damaged(target, cause);
  return new RuntimeError('CORRUPT_FILE', {
    what: `${what}, nor could it be repaired`,
    next: `keep a copy of ${target.file} for whoever can read it, then begin again with runtimectl storage clear ${target.appId}`,
    details: details ?? {},
    cause,
  });
}

/** `/inode/mode/uid/gid/name/size/`, as debugfs(8) `ls -p` says it. */
const ENTRY = /^\/\d+\/\d+\/\d+\/\d+\/(#\d+)\/(\d*)\/$/;

/** What e2fsck found without a name. */
async function salvaged(tools: StorageTools, file: string): Promise<StorageRepair['salvaged']> {
  const { stdout } = await tools(['debugfs', '-R', 'ls -p /lost+found', file]);
  const found = stdout.split('\n').flatMap((line) => {
    const [, name, size] = ENTRY.exec(line) ?? [];
    return name === undefined ? [] : [{ path: `lost+found/${name}`, sizeBytes: Number(size) }];
  });
  return found.slice(0, MOST_NAMES);
}
