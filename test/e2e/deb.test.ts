/**
 * The Debian package, as dpkg installs, upgrades, removes and purges it, in a root file system that only this test sees. systemd is
 * a stand-in there, a `systemctl` that does what the package's own unit says: start the daemon, end it alone.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { manPages } from '../../scripts/deb/man-pages.mjs';
import { findCommand } from '../../scripts/setup/host-packages.mjs';
import { SET_UP } from '../../src/domain/set-up.ts';
import { TOOLS } from '../lib/daemon.ts';
import { groupDirectories } from '../lib/machine.ts';
import { PROJECT } from '../lib/pages.ts';
import { privateRoot, type PrivateRoot } from '../lib/private-root.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 150_000;
const GROUP = `/runtime-manager-deb-${process.pid}`;
const SETTINGS = {
  ...{ tools: TOOLS, cgroupParent: GROUP, terminateGraceMs: 3000 },
  userIds: { first: 20_000_000 + process.pid * 10, last: 20_000_000 + process.pid * 10 + 9 },
};

const SYSTEMCTL = `#!/bin/sh
for word; do case $word in start | stop | preset | is-enabled | is-active) verb=$word ;; esac; done
wants=/etc/systemd/system/multi-user.target.wants/runtimemanagerd.service
active() { readlink "/proc/$(cat /run/daemon.pid)/exe" >/dev/null; } 2>/dev/null
case $verb in
  preset) mkdir -p "\${wants%/*}"; ln -s /lib/systemd/system/runtimemanagerd.service "$wants" ;;
  is-enabled) [ -L "$wants" ] && echo enabled ;;
  is-active) active ;;
  start) active || exec perl /run/start.pl ;;
  stop)
    pid=$(cat /run/daemon.pid); kill "$pid" || exit 0
    while active; do sleep 0.05; done ;;
esac
`;

/** Abilities that the unit takes away, as setpriv(1) wants them. */
const BOUNDS = readFileSync(join(PROJECT, 'packaging/systemd/runtimemanagerd.service'), 'utf8')
  .split('CapabilityBoundingSet=~')[1]
  ?.split('\n')[0]
  ?.split(' ')
  .map((name) => name.toLowerCase().replace('cap_', '-'))
  .join(',');

/** As systemd does it for a unit of Type=notify: returns when the daemon says that it is ready. */
const START = `use Socket; $SIG{ALRM} = sub { die "not ready" }; alarm 60; unlink "/run/notify";
socket my $socket, AF_UNIX, SOCK_DGRAM, 0; bind $socket, pack_sockaddr_un("/run/notify") or die $!;
system 'NOTIFY_SOCKET=/run/notify setsid setpriv --bounding-set ${BOUNDS} /usr/bin/runtimemanagerd </dev/null >>/run/daemon.log 2>&1 & echo $! >/run/daemon.pid';
recv $socket, my $told, 100, 0; exit($told ne "READY=1");`;

async function buildPackages() {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  const out = join(directory, 'made for it');
  const build = async (version: string): Promise<string> => {
    const argv = [join(PROJECT, 'scripts/deb.mjs'), '--out', out, '--level', '0', '--version', version];
    await promisify(execFile)(process.execPath, argv, { timeout: LIMIT_MS });
    const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
    return join(out, `runtime-manager_${version}_${architecture}.deb`);
  };
  const [older, newer] = [await build('0.1.0~test1'), await build('0.1.0~test2')];
  return { older, newer, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

/** Words for one machine: each throws with what was said when the program failed. */
function machine(root: PrivateRoot) {
  const must = async (argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> => {
    const { code, stdout, stderr } = await root.run(argv, env);
    const log = code === 0 ? '' : (await root.run(['tail', '-n', '20', '/run/daemon.log'])).stdout;
    assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}${log}`);
    return stdout;
  };
  const ctl = (...words: readonly string[]) => must(['runtimectl', ...words]);
  // what the package depends on is not installed on every machine that runs this test, and man-db's trigger takes long
  const force = ['--force-depends', '--force-confold', '--force-unsafe-io', '--no-triggers'];
  return {
    must,
    ctl,
    dpkg: (action: string, what: string, env?: Readonly<Record<string, string>>) =>
      root.run(['dpkg', ...force, action, what], env),
    install: (file: string) => must(['dpkg', ...force, '--install', file]),
    states: async () => {
      const all = JSON.parse(await ctl('ps', '--json')) as { appInstanceId: string; state: string }[];
      return Object.fromEntries(all.map(({ appInstanceId, state }) => [appInstanceId, state]));
    },
    pidOf: async (id: string) => (JSON.parse(await ctl('info', id, '--json')) as { pid: number | null }).pid,
    daemonPid: async () =>
      (JSON.parse(await ctl('version', '--daemon', '--json')) as { daemon: { pid: number } }).daemon.pid,
    exists: async (path: string) => (await root.run(['test', '-e', path])).code === 0,
    installed: async () =>
      (await root.run(['dpkg-query', '--show', '--showformat', '${Version} ${db:Status-Status}', 'runtime-manager']))
        .stdout,
  };
}

type Machine = ReturnType<typeof machine>;

const THREE = { runs: 'RUNNING', stands: 'SUSPENDED', sleeps: 'HIBERNATED' };

async function startThree({ ctl, states }: Machine): Promise<void> {
  for (const id of Object.keys(THREE)) {
    await ctl('run', `com.example.${id}`, '--instance', id, '--host-rootfs', '--', 'sleep', '1000');
  }
  await ctl('suspend', 'stands');
  await ctl('hibernate', 'sleeps');
  assert.deepEqual(await states(), THREE);
}

test('groff has nothing to say about the manual pages, where it is there', async () => {
  const groff = findCommand('groff');
  for (const { text } of groff === undefined ? [] : manPages('1.2.3')) {
    const child = spawn(groff ?? '', ['-man', '-Tutf8', '-ww', '-z'], { stdio: ['pipe', 'ignore', 'pipe'] });
    child.stdin.end(text);
    assert.equal(await streamText(child.stderr), '');
  }
});

test('the Debian package: apps in every state outlive an upgrade; a removal refuses while they live; a purge leaves nothing', async () => {
  await using packages = await buildPackages();
  await using root = await privateRoot();
  const here = machine(root);
  await here.must(['mkdir', '-p', '/run/systemd/system', '/etc/runtime-manager']);
  await root.write('/etc/runtime-manager/config.yaml', JSON.stringify(SETTINGS));
  await root.write('/usr/local/bin/systemctl', SYSTEMCTL, 0o755);
  await root.write('/run/start.pl', START);
  // of images for Docker: it would keep every service from being started
  await here.must(['rm', '-f', '/usr/sbin/policy-rc.d']);

  await here.install(packages.older);
  await here.must([/installed: (\S+)/.exec(SET_UP)?.[1] ?? '', '--help']);
  const first = await here.daemonPid();
  await startThree(here);
  const [runs, stands] = [await here.pidOf('runs'), await here.pidOf('stands')];

  await here.install(packages.newer);
  assert.equal(await here.installed(), '0.1.0~test2 installed');
  assert.notEqual(await here.daemonPid(), first);
  assert.deepEqual(await here.states(), THREE);
  assert.deepEqual([await here.pidOf('runs'), await here.pidOf('stands')], [runs, stands], 'the same processes');
  await here.ctl('resume', 'stands');
  await here.ctl('wake', 'sleeps');
  await here.ctl('hibernate', 'sleeps');

  const refused = await here.dpkg('--remove', 'runtime-manager');
  assert.notEqual(refused.code, 0);
  assert.match(
    refused.stderr,
    /is not removed: 2 of its apps live: .*\n {2}next: .*\n.*RUNTIME_MANAGER_REMOVE=end-apps/,
  );
  assert.equal(await here.installed(), '0.1.0~test2 installed');
  assert.deepEqual(await here.states(), { ...THREE, stands: 'RUNNING' });

  const removed = await here.dpkg('--remove', 'runtime-manager', { RUNTIME_MANAGER_REMOVE: 'end-apps' });
  assert.equal(removed.code, 0, removed.stderr);
  await until(() => root.processes().length === 0, { what: 'no app and no daemon lives', timeoutMs: 30_000 });
  for (const path of ['/usr/bin/runtimectl', '/usr/lib/runtime-manager']) assert.ok(!(await here.exists(path)), path);

  await reinstallAndPurge(here, root, packages.newer);
});

/** Installed again, now without systemd: what slept sleeps, and is not in the way of a removal. */
async function reinstallAndPurge(here: Machine, root: PrivateRoot, file: string): Promise<void> {
  await here.must(['rmdir', '/run/systemd/system']);
  await here.install(file);
  assert.equal(root.processes().length, 0, 'nobody starts it');
  await here.must(['systemctl', 'start']);
  assert.deepEqual(await here.states(), { sleeps: 'HIBERNATED' });
  const removed = await here.dpkg('--remove', 'runtime-manager');
  assert.equal(removed.code, 0, removed.stderr);
  await until(() => root.processes().length === 0, { what: 'the daemon has ended', timeoutMs: 30_000 });
  assert.ok(await here.exists('/var/lib/runtime-manager/images'));

  const purged = await here.dpkg('--purge', 'runtime-manager');
  assert.equal(purged.code, 0, purged.stderr);
  const found = await here.must([
    ...['find', '/etc', '/run', '/usr', '/var', '-xdev', '(', '-name', '*runtime-manager*', '-o'],
    ...['-name', 'runtimectl*', '-o', '-name', 'runtimemanagerd*', ')'],
  ]);
  assert.equal(found, '');
  assert.deepEqual(groupDirectories(GROUP), []);
}
