/** The package as npm installs it into an empty project: the daemon, the command line and the client, from there and from nowhere else. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { UNCACHED } from '../lib/consumer.ts';
import { TOOLS } from '../lib/daemon.ts';
import { PROJECT } from '../lib/pages.ts';
import { until } from '../lib/until.ts';

const run = promisify(execFile);
/** Node itself is one of the packages. */
const LIMIT_MS = 150_000;

async function installed() {
  // short: a UNIX socket's path has at most 107 bytes
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  const env = { ...UNCACHED, npm_config_update_notifier: 'false' };
  const npm = (cwd: string, ...words: readonly string[]) =>
    run('npm', [...words, '--ignore-scripts'], { cwd, env, timeout: LIMIT_MS });
  const { stdout } = await npm(PROJECT, 'pack', '--json', '--pack-destination', directory);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(directory, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  await npm(directory, 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`);
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

type Programs = { readonly directory: string; readonly root: string };

async function startDaemon({ directory, root }: Programs) {
  const daemon: ChildProcess = spawn(join(directory, 'node_modules/.bin/runtimemanagerd'), ['--root', root], {
    env: { PATH: process.env['PATH'], RUNTIME_MANAGER_TOOLS: TOOLS },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(daemon, 'exit') as Promise<[code: number | null]>;
  let said = '';
  daemon.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('ready: listening on') || daemon.exitCode !== null, {
    what: 'a ready line',
    timeoutMs: 30_000,
  });
  return {
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      daemon.kill('SIGTERM');
      const [code] = await ended;
      assert.equal(code, 0, said);
    },
  };
}

const CLIENT = (root: string): string => `
  import { connect } from 'runtime-manager';
  using client = await connect({ root: ${JSON.stringify(root)} });
  const [{ appInstanceId, state }] = await client.list();
  await client.suspend({ appInstanceId });
  console.log(state, (await client.getInfo({ appInstanceId })).state);
`;

test('daemon, command line and client work from a project that has installed the packed tarball', async () => {
  await using at = await installed();
  const root = join(at.directory, 'r');
  await using daemon = await startDaemon({ ...at, root });
  assert.match(daemon.said(), /ready: listening on/);
  const env = { PATH: process.env['PATH'] };
  const ctl = async (...words: readonly string[]): Promise<string> => {
    const program = join(at.directory, 'node_modules/.bin/runtimectl');
    return (await run(program, ['--root', root, ...words], { env, timeout: LIMIT_MS })).stdout;
  };
  try {
    const command = ['run', 'com.example.installed', '--instance', 'a', '--host-rootfs', '--', 'sleep', '1000'];
    assert.equal(await ctl(...command), 'a\n');
    await writeFile(join(at.directory, 'client.mjs'), CLIENT(root));
    const node = join(at.directory, 'node_modules/.bin/node');
    const { stdout } = await run(node, ['client.mjs'], { cwd: at.directory, env, timeout: LIMIT_MS });
    assert.equal(stdout, 'RUNNING SUSPENDED\n');
    assert.match(await ctl('ps'), /^a .*SUSPENDED/m);
  } finally {
    await ctl('kill', 'a').catch(() => undefined);
  }
});
