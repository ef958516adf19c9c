/** Somebody swaps a mount's place for a symbolic link out of the root file system, while the app starts. The runtime resolves links within the root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pidOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { RuntimeError } from '../../src/domain/errors.ts';

const STARTS = 12;

/** Two names that change places as fast as a program can do it: renameat2(2) with RENAME_EXCHANGE. */
const SWAPPER = 'syscall(316, -100, "$ARGV[0]\\0", -100, "$ARGV[1]\\0", 2) == 0 or die $! while 1';
const skip = process.arch !== 'x64';

test(
  'a mount whose place is swapped for a link while the app starts is never outside of its root',
  { skip },
  async () => {
    await using daemon = await startDaemon();
    const base = mkdtempSync(join(tmpdir(), 'rmt-race-'));
    const [root, outside, source] = [join(base, 'root'), join(base, 'outside'), join(base, 'source')];
    for (const name of ['usr', 'tmp', 'proc', 'sys', 'dev', 'etc', 'run', 'data', 'mnt/place']) {
      mkdirSync(join(root, name), { recursive: true });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
    mkdirSync(outside);
    mkdirSync(source);
    writeFileSync(join(source, 'mark'), 'mounted');
    symlinkSync(outside, join(root, 'mnt/link'));
    const swapper = spawn('perl', ['-e', SWAPPER, join(root, 'mnt/place'), join(root, 'mnt/link')], {
      stdio: 'ignore',
    });
    try {
      for (let round = 0; round < STARTS; round++) {
        const appInstanceId = uniqueId('raced');
        const running = daemon.client.run({
          appId: 'raced',
          appInstanceId,
          app: {
            rootfs: { dir: root },
            args: ['/bin/sleep', '1000'],
            mounts: [
              { source: '/usr', destination: '/usr', readOnly: true },
              { source, destination: '/mnt/place/below' },
            ],
          },
        });
        const refused = await running.then(
          () => undefined,
          (error: unknown) => error,
        );
        assert.deepEqual(readdirSync(outside), [], 'nothing was made outside');
        if (refused !== undefined) {
          assert(refused instanceof RuntimeError);
          continue;
        }
        // where the link leads within the root, if the runtime met the link
        const inside = `/proc/${await pidOf(daemon.client, appInstanceId)}/root`;
        const marks = [
          `${inside}/mnt/place/below/mark`,
          `${inside}/mnt/link/below/mark`,
          `${inside}${outside}/below/mark`,
        ];
        assert(marks.some(existsSync), 'the mount is in the root');
        await daemon.client.kill({ appInstanceId });
      }
      assert(!readFileSync('/proc/self/mountinfo', 'utf8').includes(base));
    } finally {
      const gone = once(swapper, 'exit');
      swapper.kill('SIGKILL');
      await gone;
      rmSync(base, { recursive: true });
    }
  },
);
