import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { AppInfo } from '../../src/domain/info.ts';
import { rowsOf, sorted } from '../../src/cli/top/sample.ts';
import { draw, FIRST, keysIn, press, type View } from '../../src/cli/top/view.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { commandLine, processesWith } from '../lib/machine.ts';
import { RUNTIMECTL, runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

const nobody = { signal: new AbortController().signal };

const app = (id: string, more: object = {}): AppInfo =>
  ({
    ...{ appId: 'clock', appInstanceId: id, state: 'RUNNING', pid: 7, operation: null, allowed: ['suspend', 'kill'] },
    ...{ memory: { usageBytes: 2 ** 20, limitBytes: null }, cpu: { usageNs: 0 }, pids: { current: 2, limit: 9 } },
    ...{ hibernation: { image: null }, startedAt: '2026-11-23T08:00:00.000Z', createdAt: '2026-11-23T08:00:00.000Z' },
    ...more,
  }) as unknown as AppInfo;

test('CPU is what was used between two looks, and nothing of another life', () => {
  const before = { atMs: 0, apps: [app('one'), app('two'), app('gone')] };
  const now = {
    atMs: 1000,
    apps: [app('one', { cpu: { usageNs: 5e8 } }), app('two', { pid: 8, cpu: { usageNs: 5e8 } }), app('new')],
  };
  assert.deepEqual(
    rowsOf(before, now).map(({ info, cpuPercent }) => [info.appInstanceId, cpuPercent]),
    [
      ['one', 50],
      ['two', null],
      ['new', null],
    ],
  );
});

const viewOf = (...apps: readonly AppInfo[]): View => ({
  ...FIRST,
  sort: 'name',
  rows: rowsOf(undefined, { atMs: 0, apps }),
});

test('figures are sorted with the largest first, words from A on', () => {
  const { rows } = viewOf(app('b'), app('a'), app('c', { memory: { usageBytes: 2 ** 30, limitBytes: null } }));
  const order = (by: 'memory' | 'name') => sorted(rows, by).map(({ info }) => info.appInstanceId);
  assert.deepEqual(order('memory'), ['c', 'a', 'b']);
  assert.deepEqual(order('name'), ['a', 'b', 'c']);
});

test('arrows choose an app, a letter does an operation that is allowed, an end is asked back', () => {
  let view = viewOf(app('a'), app('b'));
  assert.deepEqual(press(view, 's').deed, { operation: 'suspend', id: 'a' });
  assert.match(press(view, 'r').view.message, /resume is not possible: a is RUNNING; possible: suspend, kill/);
  view = press(view, '\x1b[B').view;
  assert.deepEqual(press(view, 's').deed, { operation: 'suspend', id: 'b' });
  const asked = press(view, 'k');
  assert.equal(asked.deed, undefined);
  assert.equal(press(asked.view, 'n').deed, undefined);
  assert.deepEqual(press(asked.view, 'y').deed, { operation: 'kill', id: 'b' });
  assert.equal(press(view, 'q').quit, true);
  assert.deepEqual(keysIn('s\x1b[Aq'), ['s', '\x1b[A', 'q']);
});

test('the picture fits the terminal, and shows the chosen one of many', () => {
  const view = {
    ...viewOf(...Array.from({ length: 50 }, (_, index) => app(`app-${String(index).padStart(2, '0')}`))),
    selected: 'app-40',
  };
  const lines = draw(view, { columns: 40, lines: 12, nowMs: 0, mark: (text) => `>${text.slice(1)}` });
  assert.equal(lines.length, 12);
  assert.ok(lines.every((line) => line.length <= 40));
  assert.ok(
    lines.some((line) => line.startsWith('>pp-40')),
    lines.join('\n'),
  );
});

test('top --once is a table, --json an array, for whoever has no terminal too', async () => {
  await using daemon = await fakeDaemon();
  await daemon.service().run({ appId: 'clock', appInstanceId: 'one' }, nobody);
  const { code, stdout } = await runtimectl(['top', '--once'], daemon);
  assert.equal(code, 0);
  assert.match(stdout, /^1 app: 1 RUNNING; memory 5\.0 MB/);
  assert.match(stdout, /INSTANCE +APP +STATE/);
  assert.equal((await runtimectl(['top'], daemon)).code, 0);
  const [row] = JSON.parse((await runtimectl(['top', '--json'], daemon)).stdout) as { appInstanceId: string }[];
  assert.equal(row?.appInstanceId, 'one');
  assert.equal((await runtimectl(['top', '--sort', 'colour'], daemon)).code, 2);
});

type Keyboard = { readonly send: (keys: string) => void; readonly pid: () => number };

/** In a pseudo terminal, whose settings before and after are written too. */
async function inTerminal(root: string, then: (keyboard: Keyboard) => Promise<void> | void) {
  const top = `${process.execPath} ${RUNTIMECTL} --root ${root} top --interval 300ms`;
  const command = `stty rows 24 cols 100; stty -a; echo BEGIN; ${top}; echo END $?; stty -a; echo DONE`;
  const child = spawn('script', ['-qc', command, '/dev/null'], { env: { PATH: process.env['PATH'], TERM: 'xterm' } });
  const ended = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const untilSaid = (word: string) =>
    until(() => said.includes(word), { what: `top says ${word}: ${said}`, timeoutMs: 30_000 });
  try {
    await untilSaid('RUNNING');
    const pid = (): number => processesWith(root).find((one) => commandLine(one)[0] === process.execPath) ?? 0;
    await then({ send: (keys) => void child.stdin.write(keys), pid });
    await untilSaid('DONE');
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  const settings = said.match(/speed \d[^]*?-?extproc/g) ?? [];
  return { said, status: Number(/END (\d+)/.exec(said)?.[1]), before: settings[0], after: settings.at(-1) };
}

test('live, it carries out what a key says, and gives the terminal back as it was', async () => {
  await using daemon = await fakeDaemon();
  await daemon.service().run({ appId: 'clock', appInstanceId: 'one' }, nobody);
  const { status, said, before, after } = await inTerminal(daemon.root, async ({ send }) => {
    send('s');
    await until(() => daemon.world.instances.get('one')?.state === 'SUSPENDED', {
      what: 'it is suspended',
      timeoutMs: 20_000,
    });
    send('q');
  });
  assert.equal(status, 0);
  assert.ok(said.includes('\x1b[?1049h') && said.includes('\x1b[?25h\x1b[?1049l'));
  assert.ok(before !== undefined && before === after, `${before}\n${after}`);
});

for (const [how, status] of [
  ['Ctrl-C', 0],
  ['SIGTERM', 143],
] as const) {
  test(`${how} gives the terminal back as it was`, async () => {
    await using daemon = await fakeDaemon();
    await daemon.service().run({ appId: 'clock', appInstanceId: 'one' }, nobody);
    const found = await inTerminal(daemon.root, ({ send, pid }) => {
      if (how === 'Ctrl-C') send('\x03');
      else process.kill(pid(), 'SIGTERM');
    });
    assert.equal(found.status, status);
    assert.ok(found.said.includes('\x1b[?25h\x1b[?1049l'));
    assert.ok(found.before !== undefined && found.before === found.after, `${found.before}\n${found.after}`);
  });
}
