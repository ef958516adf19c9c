import assert from 'node:assert/strict';
import { chmod, chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AppInput } from '../../src/domain/app.ts';
import { newBox, refuses, UID, type Box } from './rootfs-box.ts';

const LOST = 'COMMAND_NOT_FOUND';

/** A root with an executable file, and the question whether a command in it can be run. */
async function rooted(box: Box) {
  await box.put('root/usr/bin/tool', 'ELF', 0o755);
  await box.put('root/usr/bin/sh', 'ELF', 0o755);
  return (command: string, rest: Partial<AppInput> = {}) =>
    box.find({ rootfs: { dir: join(box.path, 'root') }, args: [command], ...rest });
}

describe('a command', () => {
  test('is found by its path, by PATH, and relative to the working directory', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await find('/usr/bin/tool');
    await find('tool');
    await find('bin/tool', { cwd: '/usr' });
    await find('./tool', { cwd: '/usr/bin' });
    await find('tool', { env: { PATH: 'bin' }, cwd: '/usr' });
  });

  test('is found through links, absolute ones from the root of the container', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await symlink('/usr/bin', join(box.path, 'root/bin'));
    await symlink('../../../../usr/bin/tool', join(box.path, 'root/usr/bin/up'));
    await symlink('/bin/up', join(box.path, 'root/usr/bin/chain'));
    await find('/bin/chain');
    await symlink('/usr/bin/env', join(box.path, 'root/usr/bin/outside'));
    await assert.rejects(find('outside'), refuses(LOST, /none of the directories/), 'exists on the host only');
  });

  test('links in a circle are an error', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await symlink('b', join(box.path, 'root/usr/bin/a'));
    await symlink('a', join(box.path, 'root/usr/bin/b'));
    await assert.rejects(find('/usr/bin/a'), refuses(LOST, /circle/));
  });

  test('that is missing is refused with the places looked at, and a better path where there is one', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await assert.rejects(find('nothing'), refuses(LOST, /"nothing" .*none of the directories of PATH/));
    const error = await find('/opt/tool').catch((thrown: unknown) => thrown as { next: string; details: object });
    assert.equal(error?.next, 'did you mean /usr/bin/tool?');
    assert.deepEqual(error.details, { command: '/opt/tool', lookedAt: ['/opt/tool'] });
  });

  test('is no directory, no path below a file, and executable for the app', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    const file = await box.put('root/usr/bin/plain', '', 0o640);
    await assert.rejects(find('/usr/bin'), refuses(LOST, /is a directory/));
    await assert.rejects(find('/usr/bin/tool/x'), refuses(LOST, /tool is not a directory/));
    await assert.rejects(find('plain'), refuses(LOST, /may not execute \/usr\/bin\/plain \(mode 0640, owner 0:0\)/));
    for (const [mode, uid, gid, can] of [
      [0o100, UID, 0, true],
      [0o011, UID, 0, false],
      [0o010, 0, UID, true],
      [0o101, 0, UID, false],
      [0o001, 0, 0, true],
      [0o110, 0, 0, false],
    ] as const) {
      await chown(file, uid, gid);
      await chmod(file, mode);
      await (can ? find('/usr/bin/plain') : assert.rejects(find('/usr/bin/plain'), refuses(LOST, /may not execute/)));
    }
  });

  test('behind a directory that the app may not enter is refused', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await chmod(join(box.path, 'root/usr/bin'), 0o700);
    await assert.rejects(find('/usr/bin/tool'), refuses(LOST, /may not enter \/usr\/bin/));
  });

  test('is looked for in mounts, and what lies in a tmpfs is let pass', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await box.put('package/start', '', 0o755);
    const mounts = [{ source: join(box.path, 'package'), destination: '/package' }];
    await find('/package/start', { mounts });
    await find('start', { mounts, cwd: '/package', env: { PATH: '.' } });
    await assert.rejects(find('/package/tool', { mounts }), refuses(LOST, /\/package\/tool does not exist/));
    await find('/tmp/made/later');
    await find('/run/runtime-manager/init');
  });

  test('a mount hides what was there before', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await mkdir(join(box.path, 'empty'));
    const mounts = [{ source: join(box.path, 'empty'), destination: '/usr/bin' }];
    await assert.rejects(find('/usr/bin/tool', { mounts }), refuses(LOST, /does not exist/));
  });

  test("a script needs its interpreter, and the interpreter's own is not asked for", async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await box.put('root/good', '#! /usr/bin/sh -e\n', 0o755);
    await box.put('root/bad', '#!/usr/bin/python9\n', 0o755);
    await box.put('root/second', '#!/bad\n', 0o755);
    await find('/good');
    await find('/second');
    await assert.rejects(
      find('/bad'),
      refuses(LOST, /script for \/usr\/bin\/python9, and \/usr\/bin\/python9 does not/),
    );
  });

  test('needs a working directory that the app may enter', async () => {
    await using box = await newBox();
    const find = await rooted(box);
    await assert.rejects(
      find('tool', { cwd: '/nowhere' }),
      refuses(LOST, /working directory .*\/nowhere does not exist/),
    );
    await assert.rejects(find('tool', { cwd: '/usr/bin/tool' }), refuses(LOST, /is not a directory/));
  });

  test("is found on the host's root as the host has it", async () => {
    await using box = await newBox();
    for (const args of [['sleep'], ['/usr/bin/env'], ['/bin/sh']]) await box.find({ rootfs: { host: true }, args });
    await assert.rejects(
      box.find({ rootfs: { host: true }, args: ['/root/x'] }),
      refuses(LOST, /\/root does not exist/),
    );
  });
});
