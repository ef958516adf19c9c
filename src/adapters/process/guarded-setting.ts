/** A kernel setting that must be another one for a moment, and what it was before afterwards, whatever becomes of us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RuntimeError } from '../../domain/errors.ts';

/**
 * Fixed text, no word of it comes from outside; a shell, because it is the smallest program that can do this.
 * $0: the file, $1: the value meanwhile, $2: the one afterwards. Locks (flock(2)) of files that are there anyway keep all of us
 * in order, in this daemon and in others: one of the file while somebody comes or goes, a shared one of its directory
 * while somebody is there. Who comes first and finds it changed already leaves it so: that was the machine's owner.
 */
const GUARD = `trap "" INT TERM HUP
exec 8<"$0" 9<"\${0%/*}" || exit 1
flock 8 || exit 1
read -r now <"$0"
if [ "$now" != "$1" ]; then echo "$1" >"$0" || exit 1
elif flock -n 9; then echo ready; exit 0; fi
flock -s 9 && flock -u 8 || exit 1
echo ready
read -r end
flock 8 && flock -n 9 && echo "$2" >"$0"`;
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export type Change = { readonly file: string; readonly during: string; readonly after: string };

/**
 * A small process of its own makes the change and holds our pipe: when that closes, because we are done or were killed, it puts
 * the old value back, unless somebody else needs the change, too. Throws NOT_SUPPORTED when the setting cannot be changed.
 */
export async function changeSetting({ file, during, after }: Change): Promise<AsyncDisposable> {
  const child = spawn('/bin/sh', ['-c', GUARD, file, during, after], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH },
  });
  // it may have ended by itself
  child.stdin.on('error', () => undefined);
  const gone = once(child, 'exit');
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), gone.then(() => false)]);
  if (!ready) throw new RuntimeError('NOT_SUPPORTED', { what: `${file} cannot be set to ${during}` });
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await gone;
    },
  };
}
