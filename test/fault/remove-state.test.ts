/**
 * The state of facts/engine.md §7: a runtime was killed in a restore, and ROOT/ID/criu-root is a bind mount of the app's own files.
 * `runc delete -f` would erase them. Nothing of ours may, however its tools behave.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ociRuntime } from '../../src/adapters/runc/runc.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import { startDaemon, TOOLS } from '../lib/daemon.ts';
import { mountsUnder } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const ID = containerIdFor(appInstanceId('app'));
const FILES = ['a', 'b', 'c'];

const wait = () => ({ signal: AbortSignal.timeout(10_000), timeoutMs: 10_000 });
/** Of the machine, whatever PATH the tools get. */
const mount = (...args: readonly string[]): void => void execFileSync('mount', args);
const unmount = (point: string): void => void execFileSync('umount', ['-l', point]);

/** Files of an app, and a state directory in which they are mounted. */
async function brokenState() {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-state-'));
  const precious = join(directory, 'precious files');
  const stateRoot = join(directory, 'runtime');
  const state = join(stateRoot, ID);
  const target = join(state, 'criu-root');
  await mkdir(join(precious, 'below'), { recursive: true });
  for (const name of FILES) await writeFile(join(precious, 'below', name), name);
  await mkdir(target, { recursive: true });
  await writeFile(join(state, 'state.json'), '{}');
  mount('--bind', precious, target);
  return {
    directory,
    stateRoot,
    state,
    target,
    filesLeft: () => readdirSync(join(precious, 'below')).sort(),
    [Symbol.asyncDispose]: async () => {
      for (const point of mountsUnder(directory)) unmount(point);
      assert.deepEqual(mountsUnder(directory), []);
      await rm(directory, { recursive: true });
    },
  };
}

/** runc's port with tools from these directories. */
const runtimeWith = (searchPath: string, stateRoot: string) =>
  ociRuntime(toolRunner({ PATH: searchPath }), { name: 'runc', binary: join(TOOLS, 'runc'), stateRoot });

/** A directory before PATH with an `umount` of our own. */
async function fakeUmount(directory: string, script: string): Promise<string> {
  const place = join(directory, 'bin');
  await mkdir(place);
  await writeFile(join(place, 'umount'), `#!/bin/sh\n${script}\n`);
  await chmod(join(place, 'umount'), 0o755);
  return `${place}:${process.env['PATH'] ?? ''}`;
}

test('the state is removed, and the files that were mounted in it are all there', async () => {
  await using broken = await brokenState();
  await runtimeWith(process.env['PATH'] ?? '', broken.stateRoot).remove(ID, wait());
  assert(!existsSync(broken.state));
  assert.deepEqual(broken.filesLeft(), FILES);
});

test('mounts upon mounts, and one in a directory with spaces and a backslash, are all detached first', async () => {
  await using broken = await brokenState();
  mount('--bind', broken.target, broken.target);
  const odd = join(broken.state, 'a b\\c\td');
  await mkdir(odd);
  mount('--rbind', broken.target, odd);
  await runtimeWith(process.env['PATH'] ?? '', broken.stateRoot).remove(ID, wait());
  assert(!existsSync(broken.state));
  assert.deepEqual(mountsUnder(broken.stateRoot), []);
  assert.deepEqual(broken.filesLeft(), FILES);
});

for (const [story, script] of Object.entries({
  'umount fails': 'echo busy >&2; exit 32',
  'umount says that it worked and did nothing': 'exit 0',
})) {
  test(`when ${story} nothing at all is removed, and what to do is said`, async () => {
    await using broken = await brokenState();
    const searchPath = await fakeUmount(broken.directory, script);
    const { next } = await helpfulRefusal(
      runtimeWith(searchPath, broken.stateRoot).remove(ID, wait()),
      'TOOL_FAILED',
      /is not removed: files of the app are mounted below it/,
    );
    assert.match(next ?? '', new RegExp(`unmount ${broken.target}`));
    assert.deepEqual(broken.filesLeft(), FILES);
    assert(existsSync(join(broken.state, 'state.json')));
  });
}

test('a mount that comes between the look and the removal is never crossed', async () => {
  await using broken = await brokenState();
  // a runc that mounts the files again while it is asked to delete, and fails
  const place = join(broken.directory, 'evil');
  await mkdir(place);
  const script = `#!/bin/sh\nmount --bind '${broken.directory}/precious files' '${broken.target}'\nexit 1\n`;
  await writeFile(join(place, 'runc'), script);
  await chmod(join(place, 'runc'), 0o755);
  const runTool = toolRunner({ PATH: process.env['PATH'] ?? '' });
  const runtime = ociRuntime(runTool, { name: 'runc', binary: join(place, 'runc'), stateRoot: broken.stateRoot });
  await helpfulRefusal(runtime.remove(ID, wait()), 'TOOL_FAILED', /mounted below it/);
  assert.deepEqual(broken.filesLeft(), FILES);
});

test('a state directory that is a link to somewhere else is taken away as a link', async () => {
  await using broken = await brokenState();
  const linked = containerIdFor(appInstanceId('linked'));
  await symlink(join(broken.directory, 'precious files'), join(broken.stateRoot, linked));
  await runtimeWith(process.env['PATH'] ?? '', broken.stateRoot).remove(linked, wait());
  assert.deepEqual(broken.filesLeft(), FILES);
});

test('a container that is not there is removed already', async () => {
  await using broken = await brokenState();
  const nobody = containerIdFor(appInstanceId('nobody'));
  await runtimeWith(process.env['PATH'] ?? '', broken.stateRoot).remove(nobody, wait());
});

test('a daemon that finds such a state at its start sweeps it away and leaves the files', async () => {
  await using files = await brokenState();
  await using daemon = await startDaemon({
    prepare: async (root) => {
      const target = join(root, 'run', 'runtime', ID, 'criu-root');
      await mkdir(target, { recursive: true });
      await writeFile(join(root, 'run', 'runtime', ID, 'state.json'), 'not JSON');
      mount('--bind', join(files.directory, 'precious files'), target);
      return () => Promise.resolve();
    },
  });
  assert.deepEqual(readdirSync(join(daemon.places.run, 'runtime')), []);
  assert.deepEqual(mountsUnder(daemon.root), []);
  assert.deepEqual(files.filesLeft(), FILES);
});
