/** Ways out of a container, tried by a program inside (test/lib/escapes.pl). Each is refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outputOf, perl, runApp, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';

const SCRIPT = readFileSync(new URL('../lib/escapes.pl', import.meta.url), 'utf8');
/** The numbers of system calls in it are those of x86_64. */
const skip = process.arch !== 'x64';
const ATTEMPTS = 90;

/** What root of a user namespace can do. */
const EXPECTED = [
  ...['mount a tmpfs', 'remount /sys writable', 'fsopen', 'mount_setattr', 'pivot_root', 'a file in the root'],
  ...['unshare the mount namespace', 'unshare the pid namespace', 'unshare the net namespace', 'sethostname'],
  ...['setuid 0', 'raise capabilities', 'io_uring', 'add a key', 'join the session keyring'],
  ...['a raw socket', 'a packet socket', 'a vsock', 'a program without no_new_privs', 'a program without a filter'],
];

const verdicts = (lines: readonly string[]) => ({
  tried: lines.filter((line) => /: (refused|OUT \()/.test(line)),
  out: lines.filter((line) => line.includes(': OUT (')),
});

for (const network of ['none', 'host'] as const) {
  test(`no way leads out of an app, with network ${network}`, { skip }, async () => {
    await using daemon = await startDaemon({ config: { network: { allowHost: true } } });
    const secret = join(daemon.root, 'config.yaml');
    const id = await runApp(daemon.client, 'escaper', [...perl(SCRIPT), String(process.pid), secret], { network });
    await untilSays(daemon.client, id, 'done');
    const lines = await outputOf(daemon.client, id);
    const { tried, out } = verdicts(lines);
    assert.deepEqual(out, []);
    assert(tried.length >= ATTEMPTS, `${tried.length} attempts`);
  });
}

test('the attempts are such that they succeed where nothing forbids them', { skip }, () => {
  // nobody of this machine, but root of a user namespace of its own: can do nothing to the machine, and much that an app cannot
  const inside = ['unshare', '--user', '--map-root-user', '--mount', '--net', '--uts', '--ipc'];
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const output = execFileSync('setpriv', [...nobody, ...inside, 'perl', '-e', SCRIPT, '1', '/etc/hostname'], {
    encoding: 'utf8',
    cwd: '/',
  });
  const { out } = verdicts(output.split('\n'));
  const names = out.map((line) => line.split(':')[0] ?? '');
  const missing = EXPECTED.filter((name) => !names.includes(name));
  assert.deepEqual(missing, [], output);
});
