import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { table } from '../../src/cli/table.ts';
import { age } from '../../src/cli/words.ts';
import { exitWords } from '../../src/domain/exit.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { finish, RUNTIMECTL, runtimectl } from '../lib/runtimectl.ts';

const nobody = { signal: new AbortController().signal };

const complete = async (shell: string, line: string, root = ''): Promise<readonly string[]> => {
  const words = ['runtimectl', ...line.split(' ')];
  const { stdout } = await runtimectl(['__complete', shell, String(words.length - 1), ...words], {
    env: { RUNTIME_MANAGER_ROOT: root },
  });
  return stdout.split('\n').slice(0, -1);
};

test('an unknown command or option is refused with a suggestion and status 2', async () => {
  const cases: readonly (readonly [words: string[], stderr: string])[] = [
    [['supend'], "runtimectl: unknown command 'supend'\n  next: did you mean suspend?\n"],
    [['logs', 'x', '--folow'], "runtimectl: unknown option '--folow'\n  next: did you mean --follow?\n"],
    [['ps', '--xyzzy'], "runtimectl: unknown option '--xyzzy'\n  next: see runtimectl ps --help\n"],
    [['kill'], "runtimectl: missing required argument 'ids'\n  next: see runtimectl kill --help\n"],
  ];
  for (const [words, stderr] of cases) assert.deepEqual(await runtimectl(words), { code: 2, stdout: '', stderr });
  const { code, stderr } = await runtimectl(['--json', 'supend']);
  assert.deepEqual([code, (JSON.parse(stderr) as { code: string }).code], [2, 'INVALID_ARGUMENT']);
});

test('no command at all shows the help on stderr, with status 2', async () => {
  const { code, stdout, stderr } = await runtimectl([]);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^Usage: runtimectl/);
});

test('every command has help with an example of its own', async () => {
  await Promise.all(
    COMMANDS.map(async ({ name, example }) => {
      const { code, stdout, stderr } = await runtimectl([name, '--help']);
      assert.deepEqual([code, stderr], [0, ''], name);
      assert.ok(stdout.includes(`Example:\n  ${example}`), name);
      assert.ok(example.includes(`runtimectl ${name}`), name);
      assert.match(stdout, /--json/);
    }),
  );
});

test('commands, options, choices and files are completed', async () => {
  assert.deepEqual(await complete('bash', 'resu'), ['resume']);
  assert.deepEqual(await complete('bash', 'run x --n'), ['--network', '--noexec']);
  assert.deepEqual(await complete('zsh', 'run x --network '), ['none', 'nat', 'host']);
  assert.deepEqual(await complete('zsh', 'run x --network=h'), ['--network=host']);
  assert.deepEqual(await complete('bash', 'run x --network = h'), ['host']);
  assert.deepEqual(await complete('bash', 'run x --bundle '), [':directories']);
  assert.deepEqual(await complete('bash', 'run x --config '), [':files']);
  assert.deepEqual(await complete('bash', 'run x -- '), [':files']);
  assert.deepEqual(await complete('bash', 'completion '), ['bash', 'zsh', 'fish']);
  assert.deepEqual(await complete('bash', 'completion bash '), []);
  assert.deepEqual(await complete('fish', 'term'), ['terminate\tend instances: SIGTERM, a grace period, then SIGKILL']);
  assert.ok((await complete('bash', 'logs --')).includes('--since-start'));
  assert.ok(!(await complete('bash', 'logs --tail 5 --')).includes('--tail'));
});

test('ids come from the daemon, only those the command can be used on, and each once', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  for (const appInstanceId of ['one', 'two', 'a:b:1', 'a:b:2']) {
    await service.run({ appId: 'clock', appInstanceId }, nobody);
  }
  await service.suspend({ appInstanceId: 'two' }, nobody);
  const { root } = daemon;
  assert.deepEqual(await complete('bash', 'info ', root), ['one', 'two', 'a:b:1', 'a:b:2']);
  assert.deepEqual(await complete('bash', 'resume ', root), ['two']);
  assert.deepEqual(await complete('bash', 'focus o', root), ['one']);
  assert.deepEqual(await complete('bash', 'kill one t', root), ['two']);
  assert.deepEqual(await complete('bash', 'kill one a : b :', root), ['1', '2']);
  assert.deepEqual(await complete('zsh', 'kill one a:b:', root), ['a:b:1', 'a:b:2']);
  assert.deepEqual(await complete('bash', `--root ${root} info o`), ['one']);
  assert.deepEqual(await complete('bash', 'info ', '/nowhere'), []);
});

test('bash completes with the script, and a typed word is never run', async () => {
  await using daemon = await fakeDaemon();
  await daemon.service().run({ appId: 'clock', appInstanceId: 'one' }, nobody);
  const trap = join(daemon.root, 'trap');
  const script = `
    runtimectl() { "$NODE" "$RUNTIMECTL" "$@"; }
    source <(runtimectl completion bash); source <(runtimectl completion bash)
    COMP_WORDS=(runtimectl info o); COMP_CWORD=2; _runtimectl runtimectl; echo "\${COMPREPLY[*]}"
    COMP_WORDS=(runtimectl '$(touch ${trap})' '\`touch ${trap}\`;touch ${trap}' ''); COMP_CWORD=3; _runtimectl runtimectl
    echo "\${COMPREPLY[*]}"`;
  const env = { ...process.env, NODE: process.execPath, RUNTIMECTL, RUNTIME_MANAGER_ROOT: daemon.root };
  const { stdout, stderr } = await finish(spawn('bash', ['--norc', '-c', script], { env }));
  assert.equal(stderr, '');
  assert.equal(stdout.split('\n')[0], 'one');
  await assert.rejects(access(trap), { code: 'ENOENT' });
});

test('completion of an unknown shell is refused', async () => {
  for (const shell of ['tcsh', 'constructor', '__proto__']) {
    assert.equal((await runtimectl(['completion', shell])).code, 2);
  }
});

test('a table lines up whatever its cells hold', () => {
  assert.equal(
    table(
      ['A', 'LONG'],
      [
        ['xyz', '1'],
        ['\u001b[32my\u001b[39m', '2'],
      ],
    ),
    'A     LONG\nxyz   1\n\u001b[32my\u001b[39m     2',
  );
});

test('ages and exits are short', () => {
  const now = Date.parse('2026-11-23T08:00:00Z');
  const ages = [
    '2026-11-23T07:59:58Z',
    '2026-11-23T07:00:01Z',
    '2026-11-23T06:00:00Z',
    '2026-11-20T08:00:00Z',
    '2026-11-23T09:00:00Z',
  ];
  assert.deepEqual(
    ages.map((time) => age(time, now)),
    ['2s', '59m', '2h', '3d', '0s'],
  );
  const exit = { signal: null, oom: false, at: '', cause: 'exited' } as const;
  assert.equal(exitWords({ ...exit, code: 3 }), 'exited (code 3)');
  assert.equal(exitWords({ ...exit, code: null, cause: 'monitor-lost' }), 'monitor-lost (code unknown)');
  assert.equal(exitWords({ ...exit, code: 137, signal: 9, cause: 'oom' }), 'oom (signal 9)');
});
