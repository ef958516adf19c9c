/** Device nodes that are not what they must be: in a mount namespace of the test's own, never those of the machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../src/domain/health.ts';
import { exitOf, hostApp, runApp, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { apart, OWN_DEVICES } from '../lib/old-runtimes.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { RUNTIMECTL } from '../lib/runtimectl.ts';

async function scratch() {
  const path = await mkdtemp(join(tmpdir(), 'rmt-n-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** In the daemon's own mount namespace, or not at all. */
function within({ pid }: TestDaemon, command: string): void {
  const script = `[ -e /dev/is-a-tests ] || exit 99; ${command}`;
  const { status, stderr } = spawnSync('nsenter', ['--target', String(pid), '--mount', '--', 'sh', '-c', script]);
  assert.equal(status, 0, `${command}: ${String(stderr)}`);
}

function doctor({ pid, root }: TestDaemon): readonly Finding[] {
  const command = [process.execPath, RUNTIMECTL, '--root', root, 'doctor', '--json'];
  const env = { PATH: process.env['PATH'], RUNTIME_MANAGER_TOOLS: TOOLS };
  const { stdout } = spawnSync('nsenter', ['--target', String(pid), '--mount', '--', ...command], { env });
  return (JSON.parse(String(stdout)) as { readonly findings: readonly Finding[] }).findings;
}

/** What is done to a node, what is said of it, and what repairs it. */
const BROKEN = [
  ['chmod 600 /dev/null', '/dev/null has mode 600 and not 666', 'chmod 666 /dev/null'],
  ['rm /dev/null', '/dev/null is missing', 'mknod -m 666 /dev/null c 1 3'],
  [
    'rm /dev/null; echo spoilt > /dev/null; chmod 666 /dev/null',
    '/dev/null is a file and not the character device 1:3',
    'rm -r /dev/null && mknod -m 666 /dev/null c 1 3',
  ],
  [
    'rm /dev/null; mknod -m 666 /dev/null c 1 5',
    '/dev/null is a character device 1:5 and not the character device 1:3',
    'rm -r /dev/null && mknod -m 666 /dev/null c 1 3',
  ],
  ['rm /dev/tty', '/dev/tty is missing', 'mknod -m 666 /dev/tty c 5 0'],
] as const;

/** Apps start all the same, and find it so. */
const ODD = [
  ['chmod 660 /dev/urandom', '/dev/urandom has mode 660 and not 666', 'chmod 666 /dev/urandom'],
  ['chown 12345 /dev/null', '/dev/null belongs to user 12345 and not to root', 'chown 0 /dev/null'],
  [
    'rm /dev/zero; mkdir -m 777 /dev/zero',
    '/dev/zero is a directory and not the character device 1:5',
    'rm -r /dev/zero && mknod -m 666 /dev/zero c 1 5',
  ],
] as const;

test('a device node with a wrong mode, owner or kind, or none, is named by problems and by each start that fails, and the command that they say repairs it', async () => {
  await using devices = await scratch();
  await using daemon = await startDaemon({ within: apart(OWN_DEVICES, devices.path) });
  const { client } = daemon;
  const nodes = async () => (await client.getHealth()).problems.filter(({ code }) => code === 'DEVICE_NODE');
  const lives = await runApp(client, 'lives', SLEEP);
  assert.deepEqual(await nodes(), []);
  for (const [damage, what, next] of BROKEN) {
    const victim = await runApp(client, 'victim', SLEEP);
    within(daemon, damage);
    assert.partialDeepStrictEqual(await nodes(), [{ state: 'fail', what, next }]);
    // without it not even the tools before the runtime can be run
    const code = damage === 'rm /dev/null' ? 'TOOL_FAILED' : 'ENGINE_UNAVAILABLE';
    const run = client.run(hostApp(uniqueId('refused'), SLEEP));
    const error = await helpfulRefusal(run, code, /none can be started/);
    assert(error.message.includes(what), error.message);
    assert.equal(error.next, next);
    assert.equal(await stateOf(client, lives), 'RUNNING');
    await client.kill({ appInstanceId: victim });
    assert.equal((await exitOf(client, victim)).cause, 'killed');
    within(daemon, next);
  }
  for (const [damage, what, next] of ODD) {
    within(daemon, damage);
    assert.partialDeepStrictEqual(await nodes(), [{ state: 'warn', what, next }]);
    within(daemon, next);
  }
  assert.deepEqual(await nodes(), []);
  await runApp(client, 'after', SLEEP);
});

test('the doctor names a device node in place of what fails for it, and a daemon is not started with it', async () => {
  await using devices = await scratch();
  await using daemon = await startDaemon({ within: apart(OWN_DEVICES, devices.path) });
  for (const [damage, what, next] of BROKEN.slice(0, 2)) {
    within(daemon, damage);
    const findings = doctor(daemon);
    const failed = findings.filter(({ state }) => state === 'fail');
    assert.partialDeepStrictEqual(failed, [{ check: 'device nodes', what, next }]);
    // its own lack of a runtime, of tools or of overlayfs would be the node's
    assert(!findings.some(({ check }) => /^tool |^engine$|^overlayfs$/.test(check)), JSON.stringify(findings));
    within(daemon, next);
  }
  const [[damage, what]] = BROKEN;
  await assert.rejects(
    startDaemon({ within: apart(`${OWN_DEVICES}; ${damage}`, devices.path) }),
    ({ message }: Error) => {
      assert(
        message.includes(
          `runtimemanagerd: ${what}: every app gets it as it is here, and none can be started\n  next: chmod 666 /dev/null`,
        ),
        message,
      );
      return true;
    },
  );
});
