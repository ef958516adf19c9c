/** Ways past closed directories: real mounts on this machine. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { mountsBelow } from '../../src/adapters/files/mount-table.ts';
import { doors, isReachable } from '../../src/adapters/mounts/doors.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import type { ContainerId } from '../../src/domain/ids.ts';

const ID = 'app+1' as ContainerId;
const WAIT = { signal: new AbortController().signal, timeoutMs: 10_000 };

async function place() {
  const path = await mkdtemp(join(tmpdir(), 'rmt-doors '));
  const closed = join(path, 'closed');
  await mkdir(join(closed, 'data'), { recursive: true });
  await writeFile(join(closed, 'data', 'word'), 'kept');
  await writeFile(join(closed, 'file'), 'one file');
  await chmod(closed, 0o700);
  const own = doors(toolRunner({ PATH: process.env['PATH'] ?? '' }), join(path, 'doors'));
  const mounted = async () => mountsBelow(path, await readFile('/proc/self/mountinfo', 'utf8'));
  return {
    ...{ path, closed, own, mounted },
    [Symbol.asyncDispose]: async () => {
      await own.close(ID, WAIT);
      assert.deepEqual(await mounted(), []);
      await rm(path, { recursive: true });
    },
  };
}

test('a path is reachable when everybody may pass every directory above it', async () => {
  await using at = await place();
  assert.equal(isReachable('/usr/bin/env'), true);
  assert.equal(isReachable(join(at.closed, 'data')), false);
  assert.equal(isReachable(join(at.closed, 'data', 'word')), false);
});

test('a closed directory and a closed file get a place that shows them; what is reachable gets none', async () => {
  await using at = await place();
  const [data, file] = [join(at.closed, 'data'), join(at.closed, 'file')];
  const opened = await at.own.open(ID, { sources: [data, file, '/usr/bin/env', data], gid: 0 }, WAIT);
  assert.deepEqual([...opened.keys()], [data, file]);
  assert.equal(await readFile(join(opened.get(data) ?? '', 'word'), 'utf8'), 'kept');
  assert.equal(await readFile(opened.get(file) ?? '', 'utf8'), 'one file');
  assert.equal((await at.mounted()).length, 2);
});

test('closing takes the mounts away and not what they show, also when nobody remembers that they were opened', async () => {
  await using at = await place();
  const data = join(at.closed, 'data');
  const opened = await at.own.open(ID, { sources: [data], gid: 0 }, WAIT);
  const after = doors(toolRunner({ PATH: process.env['PATH'] ?? '' }), join(at.path, 'doors'));
  await after.close(ID, WAIT);
  await after.close(ID, WAIT);
  assert.deepEqual(await at.mounted(), []);
  assert.deepEqual(await readdir(dirname(dirname(opened.get(data) ?? ''))), []);
  assert.equal(await readFile(join(data, 'word'), 'utf8'), 'kept');
});
