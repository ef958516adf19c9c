import { spawn } from 'node:child_process';
import { RuntimeError } from '../../domain/errors.ts';

/** Starts a program in a session of its own, without any of our descriptors: it lives on when we do not. Its pid. */
export function startDetached(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: 'ignore', detached: true });
    child.once('error', (cause) => {
      reject(new RuntimeError('TOOL_FAILED', { what: `${command} could not be run`, cause }));
    });
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}
