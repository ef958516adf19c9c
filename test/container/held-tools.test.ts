/** Helpers have what their work needs, and nothing else: the kernel is asked, not our words. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { confined, type Confinement } from '../../src/adapters/process/confine.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import { RuntimeError } from '../../src/domain/errors.ts';

const run = toolRunner({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' });
const USER = { uid: 41_077, gid: 41_077 };
const NOTHING: Confinement = { network: false, reads: [], writes: [], endsWithDaemon: true };

const inPerl = async (script: string, held: Partial<Confinement> = {}): Promise<string> => {
  const wait = { signal: new AbortController().signal, timeoutMs: 10_000 };
  return (await run(confined(['perl', '-e', script], { ...NOTHING, ...held }), { ...wait, accept: [0, 1, 2] })).stdout;
};

/** What the kernel says of a call: `ok`, or the error's number. */
const CALL =
  'sub attempt { my ($n, @rest) = map { $_ + 0 } @_; my $r = syscall($n, @rest); print $r < 0 ? $! + 0 : "ok", "\\n" } ';
const NUMBERS = {
  x64: { ptrace: 101, unshare: 272, clone: 56, mount: 165, bpf: 321, socket: 41, keyctl: 250 },
  arm64: { ptrace: 117, unshare: 97, clone: 220, mount: 40, bpf: 280, socket: 198, keyctl: 219 },
};
const numbers = process.arch === 'arm64' ? NUMBERS.arm64 : NUMBERS.x64;
const [EPERM, ENOSYS, EAFNOSUPPORT] = ['1', '38', '97'];

test('system calls that no helper needs are refused, those of newer kernels are not there, and a network only where it is given', async () => {
  const { ptrace, unshare, clone, mount, bpf, socket, keyctl } = numbers;
  const refused = [[ptrace], [unshare, 0x10000000], [clone, 0x10000011], [mount], [bpf], [keyctl]];
  const script = `${CALL} ${refused.map((call) => `attempt(${call.join()}, 0, 0, 0, 0);`).join(' ')} attempt(435, 0, 0); attempt(700); attempt(${socket}, 2, 1, 0); attempt(${socket}, 1, 1, 0);`;
  for (const held of [{}, { user: USER }]) {
    const found = (await inPerl(script, held)).trim().split('\n');
    assert.deepEqual(found, [...refused.map(() => EPERM), ENOSYS, ENOSYS, EAFNOSUPPORT, 'ok']);
  }
  assert.equal(await inPerl(`${CALL} attempt(${socket}, 2, 1, 0)`, { network: true }), 'ok\n');
});

test('it has no ability but those named, ends before the daemon when memory runs out, and no file but its own', async () => {
  const directory = await mkdtemp('/run/rmt-held-');
  try {
    const look = `open my $f, '<', '/proc/self/status'; print grep { /^(CapBnd|CapEff|NoNewPrivs|Seccomp):/ } <$f>; open $f, '<', '/proc/self/oom_score_adj'; print <$f>`;
    const status = await inPerl(look, { capabilities: ['chown'] });
    assert.match(status, /CapEff:\t0*1\nCapBnd:\t0*1\nNoNewPrivs:\t1\nSeccomp:\t2\n500/);
    assert.match(await inPerl(look, { user: USER }), /CapEff:\t0+\nCapBnd:\t0+\n/);
    const files = `for (@ARGV) {} open(my $s, '<', '/etc/shadow') and print "shadow\\n"; open(my $o, '>', '/run/rmt-held-out') and print "out\\n"; open(my $i, '>', '${directory}/in') and print "in\\n"`;
    assert.equal(await inPerl(files, { writes: [directory] }), 'in\n');
    assert.equal((await stat(join(directory, 'in'))).isFile(), true);
    await assert.rejects(stat('/run/rmt-held-out'));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('it does not become harder to end than what has started it, which takes an ability of its own', async () => {
  const script = 'open my $f, "<", "/proc/self/oom_score_adj"; print <$f>';
  const own = confined(['perl', '-e', script], { ...NOTHING, endsWithDaemon: false });
  const argv = ['/bin/sh', '-c', 'echo 700 > /proc/self/oom_score_adj; exec "$@"', 'sh', ...own];
  const { stdout } = await run(argv, { signal: new AbortController().signal, timeoutMs: 10_000 });
  assert.equal(stdout, '700\n');
});

test('what it writes is bounded, and an error names the helper, not what holds it', async () => {
  const directory = await mkdtemp('/run/rmt-held-');
  try {
    const large = confined(['perl', '-e', `open my $f, '>', '${directory}/large'; truncate $f, 1000000`], {
      ...NOTHING,
      writes: [directory],
      limits: { fileBytes: 4096 },
    });
    const wait = { signal: new AbortController().signal, timeoutMs: 10_000 };
    await assert.rejects(run(large, wait), (error) => {
      assert(error instanceof RuntimeError);
      assert.match(error.message, /perl failed with signal SIGXFSZ/);
      assert.ok(!JSON.stringify(error.details).includes('filter='));
      return true;
    });
    await assert.rejects(run(confined(['no-such-tool'], NOTHING), wait), /failed to execute no-such-tool/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('the profile that a helper asks AppArmor for is the one of the package', async () => {
  const profile = await readFile(new URL('../../packaging/apparmor/runtime-manager-helper', import.meta.url), 'utf8');
  const name = /^profile (\S+)/m.exec(profile)?.[1] ?? '';
  assert.ok(confined(['true'], NOTHING).some((word) => word.includes(`exec ${name}'`)));
});
