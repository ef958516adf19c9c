/** What the README and the issues print, typed as it is written: the launchers in bin/, the built programs, a real shell's view. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AppEvent, AppInfo, AppSummary } from '../../src/client/node.ts';
import { layout } from '../../src/domain/layout.ts';
import { tagOf } from '../../src/start/open-place.ts';
import { groupDirectories, processesWith } from '../lib/machine.ts';
import { readPng } from '../lib/png.ts';
import { until } from '../lib/until.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const env = { ...process.env, PATH: `${PROJECT}/bin:${process.env['PATH'] ?? ''}` };

type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

async function finish(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** A root directory with a daemon started by hand, as an operator does. */
async function stage() {
  const base = await mkdtemp(join(tmpdir(), 'rmt-e2e-'));
  const root = join(base, 'x');
  let daemon: ChildProcess | undefined;
  const up = async (): Promise<number> => {
    const child = spawn('runtimemanagerd', ['--root', root], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    daemon = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('ready'), { what: 'a ready line on stderr', timeoutMs: 30_000 });
    return child.pid ?? 0;
  };
  const ctl = (...words: string[]): Promise<Outcome> =>
    finish(spawn('runtimectl', ['--root', root, ...words], { env }));
  return {
    ...{ base, root, up, ctl },
    json: async <Value>(...words: string[]): Promise<Value> =>
      JSON.parse((await ctl(...words, '--json')).stdout) as Value,
    kill9: async (): Promise<void> => {
      const gone = once(daemon ?? assert.fail(), 'exit');
      daemon?.kill('SIGKILL');
      await gone;
    },
    [Symbol.asyncDispose]: async () => {
      const living = JSON.parse((await ctl('ps', '--json')).stdout) as AppSummary[];
      if (living.length > 0) await ctl('kill', ...living.map(({ appInstanceId }) => appInstanceId));
      const gone = once(daemon ?? assert.fail(), 'exit');
      daemon?.kill('SIGTERM');
      await gone;
      assert.deepEqual(processesWith(root), []);
      assert.deepEqual(groupDirectories(`/runtime-manager-${tagOf(layout(root))}`), []);
      await rm(base, { recursive: true });
    },
  };
}

test('the session of the README: run, suspend, kill -9 of the daemon, resume, hibernate, wake, terminate, events', async () => {
  await using at = await stage();
  await at.up();
  const ran = await at.ctl('run', 'com.example.sleep', '--instance', 'a', '--host-rootfs', '--', 'sleep', '1000');
  assert.deepEqual(ran, { code: 0, stdout: 'a\n', stderr: '' });
  assert.equal((await at.ctl('suspend', 'a')).code, 0);
  const suspended = await at.json<AppInfo>('info', 'a');
  assert.equal(suspended.state, 'SUSPENDED');
  assert.ok((suspended.memory?.usageBytes ?? 0) > 0 && (suspended.pids?.current ?? 0) > 0 && suspended.cpu !== null);
  await at.kill9();
  await at.up();
  const found = await at.json<AppInfo>('info', 'a');
  assert.deepEqual([found.state, found.pid], ['SUSPENDED', suspended.pid]);
  for (const [command, state] of [
    ['resume', 'RUNNING'],
    ['hibernate', 'HIBERNATED'],
    ['wake', 'RUNNING'],
    ['terminate', 'TERMINATED'],
  ] as const) {
    const { code, stderr } = await at.ctl(command, 'a');
    assert.equal(code, 0, stderr);
    assert.equal((await at.json<AppInfo>('info', 'a')).state, state);
  }
  const lines = (await at.ctl('events', '--since', '0', '--json')).stdout.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as AppEvent);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
  const changes = events.flatMap((event) => (event.type === 'stateChanged' ? [event.new] : []));
  const life = ['STARTING', 'RUNNING', 'SUSPENDED', 'RUNNING', 'HIBERNATING', 'HIBERNATED', 'WAKING', 'RUNNING'];
  assert.deepEqual(changes, [...life, 'TERMINATING', 'TERMINATED']);
  assert.equal(events.filter(({ type }) => type === 'terminated').length, 1);
});

test('an app is described in a YAML or JSON file, and options override it', async () => {
  await using at = await stage();
  await at.up();
  const yaml = join(at.base, 'app.yaml');
  await writeFile(
    yaml,
    'rootfs: {host: true}\nargs: [sh, -c, "echo $WORD; exit $CODE"]\nenv: {WORD: from-file, CODE: "3"}\n',
  );
  const { code, stderr } = await at.ctl(
    'run',
    'com.example.file',
    '--instance',
    'f',
    '--config',
    yaml,
    '--env',
    'CODE=5',
  );
  assert.equal(code, 0, stderr);
  const ended = await until(async () => (await at.json<AppInfo>('info', 'f')).exit, { what: 'it ends' });
  assert.equal(ended.code, 5);
  assert.match((await at.ctl('logs', 'f')).stdout, /from-file/);
});

test('mistakes are told with what to do, and nothing is left of them', async () => {
  await using at = await stage();
  await at.up();
  const cases: readonly (readonly [words: readonly string[], code: number, told: RegExp])[] = [
    [['run', 'x', '--host-rootfs', '--', 'no-such-program'], 8, /no-such-program.*\n {2}next: /s],
    [['run', 'x', '--instance', '../x', '--host-rootfs', '--', 'true'], 2, /appInstanceId.*"\/"/s],
    [['run', 'x', '--bundle', '/nowhere'], 7, /\/nowhere/],
    [['suspend', 'nobody'], 3, /nobody/],
    [['frobnicate'], 2, /unknown command/],
  ];
  for (const [words, code, told] of cases) {
    const outcome = await at.ctl(...words);
    assert.equal(outcome.code, code, `${words.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, told);
  }
  assert.equal((await at.ctl('ps', '--all', '--json')).stdout.trim(), '[]');
});

const tours = async (): Promise<readonly string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('runtime-manager-tour-'));

test('the tour goes through every step and leaves nothing but its pictures, where it says', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'rmt-pictures-'));
  await using _cwd = { [Symbol.asyncDispose]: () => rm(cwd, { recursive: true }) };
  const { code, stdout, stderr } = await finish(
    spawn(process.execPath, [`${PROJECT}/dist/tour.mjs`, '--exit'], { env, cwd }),
  );
  assert.equal(code, 0, stderr);
  for (const step of ['run', 'suspend', 'resume', 'hibernate', 'wake', 'terminate', 'events']) {
    assert.match(stdout, new RegExp(`^${step} `, 'm'));
  }
  for (const name of ['before-hibernation.png', 'after-wake.png']) {
    const file = join(cwd, 'tour-pictures', name);
    assert(stdout.includes(file));
    assert.equal(readPng(await readFile(file)).width, 640);
  }
  assert.deepEqual(await tours(), []);
});

test('Ctrl-C in the middle of the tour takes everything down', async () => {
  const child = spawn(process.execPath, [`${PROJECT}/dist/tour.mjs`], { env });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('RUNNING'), { what: 'the app of the tour runs', timeoutMs: 60_000 });
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  assert.deepEqual(await gone, [130, null]);
  assert.deepEqual(await tours(), []);
});
