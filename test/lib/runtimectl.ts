/** The command line as a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const RUNTIMECTL = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Options = { readonly root?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string };

/** Its own environment: what the person at the keyboard has set must not change a test. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], ...more });

export function startRuntimectl(
  words: readonly string[],
  { root, env, cwd }: Options = {},
): ChildProcessWithoutNullStreams {
  const place = root === undefined ? [] : ['--root', root];
  return spawn(process.execPath, [RUNTIMECTL, ...place, ...words], { env: environment(env), cwd });
}

export async function finish(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export const runtimectl = (words: readonly string[], options?: Options): Promise<Outcome> =>
  finish(startRuntimectl(words, options));
