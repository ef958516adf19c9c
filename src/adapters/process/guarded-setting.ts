/** A kernel setting that must be another one for a moment, and what it was before afterwards, whatever becomes of us. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import { forkTurn } from './spawn-gate.ts';

/**
 * Fixed text, no word of it comes from outside; a shell, because it is the smallest program that can do this.
 *
 * Others may need the setting at the same time, in other daemons too. So who needs it holds a shared lock on its file (9), and
 * who finds it as wanted with nobody holding the lock has found the machine's own choice and leaves it. The last one to let go
 * puts the old value back. Beginning and end are one at a time (the lock on the file's directory, 8), so nobody takes the last
 * one's value for the machine's. flock(2) works on files of /proc, and ends with its process.
 *
 * What is needed by something that outlives the daemon is kept as long as a path exists ($4), which is looked at only then.
 */
const GUARD = `trap "" INT TERM HUP PIPE
exec 8< "$3" 9< "$0"
flock -x 8
value=$(cat "$0")
if [ "$value" = "$1" ] && flock -n -x 9; then echo as-it-is; exit; fi
flock -s 9
[ "$value" = "$1" ] || echo "$1" > "$0" || exit 1
flock -u 8
echo ready
read -r end
while [ -n "$4" ] && [ -e "$4" ]; do sleep 2; done
flock -x 8
flock -u 9
if flock -n -x 9; then echo "$2" > "$0"; fi`;

export type Change = {
  readonly file: string;
  readonly during: string;
  readonly after: string;
  readonly searchPath: string;
  /** The change outlives its owner as long as this path exists. */
  readonly lasting?: string;
  /** Puts the process where it outlives the daemon. */
  readonly enter?: (pid: number) => void;
};

/**
 * A small process of its own makes the change and holds our pipe: when that closes, because we are done or were killed, it puts
 * the old value back. Throws NOT_SUPPORTED when the setting cannot be changed.
 */
export async function changeSetting({
  file,
  during,
  after,
  searchPath,
  lasting = '',
  enter,
}: Change): Promise<AsyncDisposable> {
  await forkTurn();
  const child = spawn('/bin/sh', ['-c', GUARD, file, during, after, dirname(file), lasting], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: searchPath },
  });
  const { promise: gone, resolve } = Promise.withResolvers<Error | undefined>();
  child.on('error', resolve).once('exit', () => {
    resolve(undefined);
  });
  // no process, no pipes (no descriptor was left, for instance): the error says it
  if (child.pid === undefined) throw notSet({ file, during }, await gone);
  enter?.(child.pid);
  const answer = Promise.withResolvers<boolean>();
  child.stdout.once('data', () => answer.resolve(true)).on('error', () => undefined);
  // it has ended already when the setting was as wanted
  child.stdin.on('error', () => undefined);
  const answered = await Promise.race([answer.promise, gone.then(() => false)]);
  if (!answered) throw notSet({ file, during }, await gone);
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await gone;
    },
  };
}

const notSet = ({ file, during }: Pick<Change, 'file' | 'during'>, cause: unknown): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', { what: `${file} cannot be set to ${during}`, cause });
