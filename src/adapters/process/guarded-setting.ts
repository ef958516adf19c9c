/** A kernel setting that must be another one for a moment, and what it was before afterwards, whatever becomes of us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RuntimeError } from '../../domain/errors.ts';

/** Fixed text, no word of it comes from outside; a shell, because it is the smallest program that can do this. */
const GUARD = 'trap "" INT TERM HUP; echo "$1" > "$0" || exit 1; echo ready; read -r end; echo "$2" > "$0"';

export type Change = { readonly file: string; readonly during: string; readonly after: string };

/**
 * A small process of its own makes the change and holds our pipe: when that closes, because we are done or were killed, it puts
 * the old value back. Throws NOT_SUPPORTED when the setting cannot be changed.
 */
export async function changeSetting({ file, during, after }: Change): Promise<AsyncDisposable> {
  const child = spawn('/bin/sh', ['-c', GUARD, file, during, after], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: {},
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
