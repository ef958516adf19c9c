/** What breaks on devices: each is named by the doctor, by why or by the list of problems, with the right cure. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statfsSync } from 'node:fs';
import { mkdtemp, realpath, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding, Health, Problem } from '../../src/domain/health.ts';
import { layout } from '../../src/domain/layout.ts';
import type { Why } from '../../src/domain/why.ts';
import { tagOf } from '../../src/start/open-place.ts';
import { exitOf, hostApp, perl, runApp, shell, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { commandLine, groupDirectories, mountsUnder, processesWith } from '../lib/machine.ts';
import { runtimectl, startRuntimectl } from '../lib/runtimectl.ts';
import { compositorOf, SIZE } from '../lib/screens.ts';
import { toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 30_000;

type Report = { readonly state: string; readonly findings: readonly Finding[] };

async function doctor(root: string, tools = TOOLS): Promise<Report & { readonly code: number | null }> {
  const { code, stdout, stderr } = await runtimectl(['doctor', '--json'], {
    root,
    env: { RUNTIME_MANAGER_TOOLS: tools },
  });
  assert.equal(stderr, '');
  return { ...(JSON.parse(stdout) as Report), code };
}

const findingOf = ({ findings }: Report, check: string): Finding =>
  findings.find((one) => one.check === check) ?? assert.fail(`nothing of ${check}: ${JSON.stringify(findings)}`);

/** Nothing of the examination is left on the machine. */
function assertNothingLeft(root: string): void {
  const scratch = join(layout(root).state, 'doctor');
  const tag = tagOf(layout(scratch));
  const left = [
    ...(existsSync(scratch) ? [scratch] : []),
    ...(existsSync(`/run/runtime-manager-${tag}`) ? [`/run/runtime-manager-${tag}`] : []),
    ...processesWith(scratch).map((pid) => `process ${pid}`),
    ...mountsUnder(scratch),
    ...groupDirectories(`/runtime-manager-${tag}`),
  ];
  assert.deepEqual(left, []);
}

async function emptyRoot(config: object = {}): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'rmt-doc-'));
  const first = 10_000_000 + process.pid * 1000;
  await writeFile(join(root, 'config.yaml'), JSON.stringify({ userIds: { first, last: first + 999 }, ...config }));
  return {
    root,
    [Symbol.asyncDispose]: async () => {
      await rm(join(root, 'config.yaml'));
      // not recursively: the examination is to have left nothing
      await rmdir(root);
    },
  };
}

const problemsOf = async (daemon: TestDaemon): Promise<Health & { readonly code: number | null }> => {
  const { code, stdout } = await runtimectl(['problems', '--json'], { root: daemon.root });
  return { ...(JSON.parse(stdout) as Health), code };
};

const problemOf = ({ problems }: Health, code: string, id?: string): Problem =>
  problems.find((one) => one.code === code && (id === undefined || one.appInstanceId === id)) ??
  assert.fail(`no ${code}: ${JSON.stringify(problems)}`);

async function why(daemon: TestDaemon, id: string): Promise<Why> {
  const { code, stdout, stderr } = await runtimectl(['why', id, '--json'], { root: daemon.root });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Why;
}

test('a machine in order: a real app is limited, hibernated and woken, and what an examination that was killed left is gone', async () => {
  await using place = await emptyRoot();
  const scratch = join(layout(place.root).state, 'doctor');
  const child = startRuntimectl(['doctor', '--json'], { root: place.root, env: { RUNTIME_MANAGER_TOOLS: TOOLS } });
  const ended = once(child, 'exit');
  const conmons = (): readonly number[] =>
    processesWith(scratch).filter((pid) => commandLine(pid)[0]?.endsWith('conmon') === true);
  await until(() => conmons().length > 0, { what: 'its app is started', timeoutMs: LIMIT_MS });
  child.kill('SIGKILL');
  await ended;
  const report = await doctor(place.root);
  for (const check of ['engine', 'limits', 'suspend', 'hibernation', 'tool criu', 'user ids']) {
    assert.equal(findingOf(report, check).state, 'ok', JSON.stringify(findingOf(report, check)));
  }
  const daemon = findingOf(report, 'daemon');
  assert.deepEqual([report.code, daemon.state], [1, 'fail']);
  assert.match(daemon.next ?? '', /runtimemanagerd --root/);
  // the one that was killed cannot know any more that it made this directory
  await rmdir(layout(place.root).state);
  assertNothingLeft(place.root);
});

test('a tool is missing: the doctor names it, what there is not without it, and its package', async () => {
  await using place = await emptyRoot();
  await using tools = await toolsWith({ conmon: undefined });
  const report = await doctor(place.root, tools.path);
  const found = findingOf(report, 'tool conmon');
  assert.deepEqual([found.state, found.why], ['fail', 'without it no app can be started']);
  assert.match(found.next ?? '', /apt-get install conmon/);
  assert.equal(findingOf(report, 'engine').state, 'fail');
  assertNothingLeft(place.root);
});

test('CRIU is too old, and a foreign daemon has the port: the doctor names both, and the way out', async () => {
  await using server = createHttpServer((_, response) => response.writeHead(404).end('another'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using place = await emptyRoot({ listen: `127.0.0.1:${port}` });
  await using tools = await toolsWith({ criu: '#!/bin/sh\necho "Version: 3.17"\n[ "$1" = --version ]\n' });
  const report = await doctor(place.root, tools.path);
  const criu = findingOf(report, 'tool criu');
  assert.equal(criu.state, 'fail');
  assert.match(criu.what, /criu 3\.17 is too old for kernel/);
  assert.match(criu.next ?? '', /CRIU 4\.2 or newer/);
  assert.equal(findingOf(report, 'hibernation').state, 'fail');
  const taken = findingOf(report, 'port');
  assert.equal(taken.state, 'fail');
  assert.match(taken.what, new RegExp(`127\\.0\\.0\\.1:${port} is taken by the process .* \\(pid ${process.pid}\\)`));
  assert.match(taken.next ?? '', /choose another port with `listen`/);
  assertNothingLeft(place.root);
});

test('runc is too old to hibernate: the doctor says so, and so does the refusal', async () => {
  await using place = await emptyRoot();
  const old = `#!/bin/sh
case "$*" in
  --version) echo "runc version 1.1.15" ;;
  *checkpoint*) echo 'level=error msg="Invalid manage cgroups mode"' >&2; exit 1 ;;
  *) exec ${join(TOOLS, 'runc')} "$@" ;;
esac
`;
  await using tools = await toolsWith({ runc: old });
  const report = await doctor(place.root, tools.path);
  const tool = findingOf(report, 'tool runc');
  assert.deepEqual([tool.state, tool.why], ['warn', 'that takes runc 1.2 or newer']);
  assert.equal(findingOf(report, 'suspend').state, 'ok');
  const hibernation = findingOf(report, 'hibernation');
  assert.match(hibernation.why ?? '', /this OCI runtime cannot hibernate apps: this runc is older than 1\.2/);
  assert.match(hibernation.next ?? '', /install runc 1\.2 or newer/);
  assertNothingLeft(place.root);
});

test('the disk is full: problems and the doctor say how much is free, and how to make room', async () => {
  await using daemon = await startDaemon({
    prepare: async (root) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16777216,mode=755', 'tmpfs', root]);
      const isGone = (): boolean => {
        execFileSync('umount', [root], { stdio: 'ignore' });
        return true;
      };
      return async () => {
        await until(isGone, { what: 'its disk can be unmounted' });
      };
    },
  });
  const filling = join(daemon.root, 'filling');
  const { bavail, bsize } = statfsSync(daemon.root);
  await writeFile(filling, Buffer.alloc((bavail - 64) * bsize));
  const problem = problemOf(await problemsOf(daemon), 'LOW_DISK');
  assert.equal(problem.state, 'fail');
  assert.match(problem.next, /make room .*runtimectl storage ls/);
  const report = await doctor(daemon.root);
  const found = findingOf(report, 'disk');
  assert.equal(found.state, 'fail');
  assert.match(found.next ?? '', /make room/);
  assert.equal(findingOf(report, 'daemon').state, 'ok');
  await rm(filling);
});

test('a crash loop, a lack of memory, a stolen port and used up user ids are named with their cures', async (t) => {
  const first = 10_000_000 + process.pid * 1000;
  await using daemon = await startDaemon({ config: { userIds: { first, last: first + 1 } } });
  const { client } = daemon;
  const loop = await runApp(client, 'loop', shell('echo no; exit 3'), {
    restart: { policy: 'on-failure', maxRetries: 1, backoffMs: 100 },
  });
  const eater = await runApp(client, 'eater', perl('$|=1; print "hungry\\n"; push @a, "x" x 1048576 while 1'), {
    limits: { memoryBytes: 32 * 2 ** 20 },
  });

  await t.test('the app that ends again and again', async () => {
    const found = await until(
      async () => (await problemsOf(daemon)).problems.find(({ code }) => code === 'CRASH_LOOP'),
      { what: 'the loop is a problem', timeoutMs: LIMIT_MS },
    );
    assert.equal(found.appInstanceId, loop);
    assert.match(found.next, new RegExp(`runtimectl why ${loop}`));
    const { chain, log, exit, evidence } = await why(daemon, loop);
    assert.equal(chain[0]?.by, 'the unix socket');
    assert.ok(chain.some(({ type }) => type === 'restartGivenUp'));
    assert.equal(exit?.code, 3);
    assert.match(evidence.join(), /exit code 3/);
    assert.deepEqual(log.map(({ text }) => text).slice(-1), ['no']);
  });

  await t.test('the app that took more memory than it may', async () => {
    assert.equal((await exitOf(client, eater)).cause, 'oom');
    const { summary, evidence, next } = await why(daemon, eater);
    assert.match(summary, /oom/);
    assert.match(evidence.join(), /32\.0 MB/);
    assert.match(next[0] ?? '', /more memory: .*--memory SIZE/);
    assert.equal(problemOf(await problemsOf(daemon), 'OOM', eater).state, 'warn');
  });

  await t.test('the port that somebody else has', async () => {
    await using server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const id = uniqueId('stolen');
    const wish = { appId: loop, network: 'nat', ports: [{ host: port, app: 80, protocol: 'tcp' }] } as const;
    await assert.rejects(client.run(hostApp(id, SLEEP, { ...wish, ports: [...wish.ports] })));
    const { summary, problems, next } = await why(daemon, id);
    assert.match(summary, /never came to run/);
    assert.equal(problems[0]?.code, 'PORT_TAKEN');
    assert.match(`${problems[0]?.what} ${problems[0]?.why}`, new RegExp(`${port}.*pid ${process.pid}`));
    assert.ok((next[0] ?? '').length > 0);
  });

  await t.test('the user ids, of which none is left', async () => {
    await assert.rejects(client.run(hostApp(uniqueId('third'), SLEEP)));
    const health = await problemsOf(daemon);
    assert.equal(health.code, 1);
    const found = health.problems.filter(({ code }) => code === 'USER_IDS_EXHAUSTED');
    assert.ok(found.some(({ next }) => next.includes('runtimectl storage delete')));
    assert.ok(found.every(({ next }) => next.includes('userIds')));
  });
});

test('a corrupt image: the refused wake is a problem that names the image, and why tells what can be done', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'corrupt', SLEEP);
  await daemon.client.hibernate({ appInstanceId: id });
  const { containerId } = await daemon.client.getInfo({ appInstanceId: id });
  await truncate(join(daemon.places.images, containerId, 'pages-1.img'), 1);
  await assert.rejects(daemon.client.wake({ appInstanceId: id }));
  const found = problemOf(await problemsOf(daemon), 'IMAGE_UNUSABLE', id);
  assert.match(`${found.what} ${found.why}`, /pages-1\.img/);
  const { next, summary } = await why(daemon, id);
  assert.match(summary, /is HIBERNATED since/);
  assert.ok(next.some((cure) => cure === found.next) && found.next.length > 0);
});

test('a dead compositor: it is a problem of its app, with how to get the picture back', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'dark', SLEEP, { display: { ...SIZE, placement: 'host' } });
  process.kill(await compositorOf(daemon.client, id), 'SIGKILL');
  const found = await until(
    async () => (await problemsOf(daemon)).problems.find(({ code }) => code === 'DISPLAY_DIED'),
    { what: 'the dead display is a problem', timeoutMs: LIMIT_MS },
  );
  assert.equal(found.appInstanceId, id);
  assert.match(found.next, new RegExp(`runtimectl terminate ${id}`));
  assert.ok((await why(daemon, id)).chain.some(({ type }) => type === 'displayDied'));
});
