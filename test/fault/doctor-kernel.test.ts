/** What a stock kernel does not show before it is used. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Finding } from '../../src/domain/health.ts';
import { TOOLS } from '../lib/daemon.ts';
import { apart } from '../lib/old-runtimes.ts';
import { RUNTIMECTL } from '../lib/runtimectl.ts';

const execute = promisify(execFile);

/** $1: a list of file systems without overlay, as before the first mount has loaded the module. $2: where mount(8) is not. */
const UNLOADED = 'mount --bind "$1" /proc/filesystems';

/** The finding about overlayfs. The exit status tells of others, too. */
async function overlayAs(set: string, ...words: readonly string[]): Promise<Finding | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'rmt-'));
  const argv = [...apart(set, ...words), process.execPath, RUNTIMECTL, '--root', root, 'doctor', '--json'];
  const env = { PATH: process.env['PATH'], RUNTIME_MANAGER_TOOLS: TOOLS };
  const said = await execute(argv[0] ?? '', argv.slice(1), { env }).catch(
    (error: unknown) => error as { readonly stdout: string },
  );
  await rm(root, { recursive: true, force: true });
  const { findings } = JSON.parse(said.stdout) as { readonly findings: readonly Finding[] };
  return findings.find(({ check }) => check === 'overlayfs');
}

test('overlayfs is tried where its module is not loaded yet', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  await writeFile(join(directory, 'filesystems'), 'nodev\ttmpfs\n\text4\n');
  try {
    const tried = await overlayAs(UNLOADED, join(directory, 'filesystems'));
    assert.partialDeepStrictEqual(tried, { state: 'ok', what: 'overlayfs: directories were laid over each other' });
    // no user namespace may mount it, nor a machine that has it for nobody: here, a mount(8) that refuses
    await writeFile(
      join(directory, 'mount'),
      '#!/bin/sh\necho "mount: unknown filesystem type overlay" >&2\nexit 32\n',
      {
        mode: 0o755,
      },
    );
    const refusing = `${UNLOADED}; mount --bind "$2" "$(readlink -f "$(command -v mount)")"`;
    const refused = await overlayAs(refusing, join(directory, 'filesystems'), join(directory, 'mount'));
    assert.equal(refused?.state, 'warn');
    assert.match(refused.why ?? '', /unknown filesystem type overlay/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
