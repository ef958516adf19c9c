/** A kernel setting that must be another one for a moment, and what it was before afterwards, whatever becomes of us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RuntimeError } from '../../domain/errors.ts';

/**
 * Fixed text, no word of it comes from outside; a shell, because it is the smallest program that can do this. Daemons side by side
 * share the setting by flock(1): whoever is alone writes down what it was, whoever is the last puts that back.
 * $0 file, $1 during, $2 after, $3 lock
 */
const GUARD = `trap "" INT TERM HUP PIPE
exec 9>>"$3" || exit 1
if flock -n -x 9 && ! [ -s "$3" ]; then
  read -r now < "$0"
  if [ "$now" = "$1" ]; then echo "$1" > "$3"; else echo "$2" > "$3"; fi
fi
flock -s 9
put_back() { if flock -n -x 9; then read -r old < "$3"; echo "\${old:-$2}" > "$0"; : > "$3"; fi; }
echo "$1" > "$0" || { put_back "$@"; exit 1; }
echo ready
read -r end
put_back "$@"`;

export type Change = {
  readonly file: string;
  readonly during: string;
  readonly after: string;
  /** A file that all who change this setting know; gone after a reboot, like the setting. */
  readonly lock: string;
};

/**
 * A small process of its own makes the change and holds our pipe: when that closes, because we are done or were killed, it puts
 * the old value back. Throws NOT_SUPPORTED when the setting cannot be changed.
 */
export async function changeSetting({ file, during, after, lock }: Change): Promise<AsyncDisposable> {
  const child = spawn('/bin/sh', ['-c', GUARD, file, during, after, lock], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
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
