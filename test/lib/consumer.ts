/** A program of somebody else that has the package installed, as npm packs it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './pages.ts';

/** npm and tsc would keep their compiled code in the temporary directory. */
export const UNCACHED = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };

const run = promisify(execFile);
const LIMIT_MS = 120_000;

export type Consumer = AsyncDisposable & {
  readonly directory: string;
  /** Paths of the tarball's files. */
  readonly packed: readonly string[];
  readonly write: (name: string, text: string) => Promise<string>;
};

/**
 * The tarball is unpacked, not installed by npm, because that would need the network; what the package depends on is linked from
 * the project, and nothing that it does not name is there.
 */
export async function consumer(): Promise<Consumer> {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-use-'));
  const modules = join(directory, 'node_modules');
  const place = join(modules, 'runtime-manager');
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const env = { ...UNCACHED, npm_config_cache: join(directory, 'cache'), npm_config_update_notifier: 'false' };
  const { stdout } = await run('npm', pack, { cwd: PROJECT, env, timeout: LIMIT_MS });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  await mkdir(place, { recursive: true });
  await run('tar', ['-xzf', join(directory, filename), '--strip-components=1', '-C', place]);
  const { dependencies } = JSON.parse(await readFile(join(place, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(PROJECT, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(directory, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  return {
    directory,
    packed: files.map(({ path }) => path),
    write: async (name, text) => {
      const path = join(directory, name);
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
