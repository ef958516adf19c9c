/** What apps say, on a terminal, in a pipe and as JSON. The terminal is script(1)'s. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import type { AppInfo } from '../../src/domain/info.ts';
import { fakeDaemon, type FakeDaemon } from '../lib/fake-daemon.ts';
import { finish, RUNTIMECTL, runtimectl } from '../lib/runtimectl.ts';

const CLIPBOARD = '\x1b]52;c;cm0gLXJmIC8=\x07';
const TITLE = '\x1b]0;root@bank\x1b\\';
const ERASE = '\x1b[2J\x1b[1;1H\x9b2J';
const RIGHT_TO_LEFT = 'exe.\u202egpj\u2066';
const HIDDEN = '\x1b[8msecret\x1b[0;8m\x1b[38;5;1;8m';
const HOSTILE = `${CLIPBOARD}${TITLE}${ERASE}${RIGHT_TO_LEFT}${HIDDEN}\rover\b`;
const RED = '\x1b[1;31mred\x1b[0m';

/** All text of a result that may be an app's. */
const TEXTS: ReadonlySet<string> = new Set(
  'what why next text program by title app appId name source destination path reference logFile storage key value problem'.split(
    ' ',
  ),
);

function hostile<Value>(value: Value, key = ''): Value {
  if (typeof value === 'string') return (TEXTS.has(key) ? value + HOSTILE : value) as Value;
  if (Array.isArray(value)) return value.map((one: unknown) => hostile(one, key)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hostile(one as unknown, name)])) as Value;
}

async function hostileDaemon(): Promise<FakeDaemon> {
  const daemon = await fakeDaemon();
  const nobody = { signal: new AbortController().signal };
  const service = daemon.service();
  await service.run({ appId: 'clock', appInstanceId: 'one' }, nobody);
  await service.annotate({ appInstanceId: 'one', key: `k${HOSTILE}`, value: HOSTILE }, nobody);
  const text = HOSTILE + RED;
  service.write('one', text);
  for (const name of ['getInfo', 'list', 'getHistory', 'getHealth', 'explainHibernation', 'getEvents'] as const) {
    const real = service[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(service, { [name]: async (...args: unknown[]) => hostile(await real(...args)) });
  }
  return daemon;
}

async function onTerminal(words: readonly string[], { root }: FakeDaemon): Promise<string> {
  const quoted = [process.execPath, RUNTIMECTL, '--root', root, ...words].map(
    (word) => `'${word.replaceAll("'", "'\\''")}'`,
  );
  const child = spawn('script', ['-qec', quoted.join(' '), '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm' },
  });
  child.stdin.end();
  return (await finish(child)).stdout;
}

/** Without line ends, tabs and colours. */
const controlsIn = (text: string): readonly string[] =>
  // eslint-disable-next-line no-control-regex -- that is what is looked for
  text.replaceAll(/\r*\n|\t|\x1b\[(?:[0-79]|[1-79]\d)?(?:;[0-79]\d?)*m/g, '').match(/[\p{Cc}\p{Bidi_Control}]/gu) ?? [];

const COMMANDS: readonly (readonly string[])[] = [
  ...[['ps'], ['info', 'one'], ['history', 'one'], ['why', 'one'], ['explain', 'one'], ['problems'], ['events']],
  ...[
    ['logs', 'one'],
    ['logs', '--tail', '1', 'one'],
    ['top', '--once'],
    ['exec', 'one', '--', `say${HOSTILE}${RED}`],
  ],
  ...[
    ['info', HOSTILE],
    ['run', HOSTILE],
    ['ps', HOSTILE],
    ['annotate', 'one', `${HOSTILE}=x`],
  ],
];

test('nothing of what an app has said is a command to a terminal, whichever command shows it', async () => {
  await using daemon = await hostileDaemon();
  for (const words of COMMANDS) {
    const shown = await onTerminal(words, daemon);
    assert.deepEqual(controlsIn(shown), [], `${words.join(' ')}: ${JSON.stringify(shown)}`);
    assert.notEqual(shown, '');
  }
  const shown = await onTerminal(['logs', 'one'], daemon);
  assert(shown.includes('\\u001b]52;c;') && shown.includes('\\u202egpj'), 'it is to be seen');
  assert(shown.includes(RED), 'colours are left');
});

test('a pipe has the bytes, and JSON is the same with every control character escaped', async () => {
  await using daemon = await hostileDaemon();
  const piped = await runtimectl(['logs', 'one'], daemon);
  assert.equal(piped.stdout, `${HOSTILE}${RED}\n`);
  for (const words of [['logs', 'one'], ['info', 'one'], ['ps'], ['history', 'one'], ['why', 'one'], ['events']]) {
    const { stdout } = await runtimectl(['--json', ...words], daemon);
    for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
    assert.deepEqual(controlsIn(stdout), [], words.join(' '));
  }
  const info = JSON.parse((await runtimectl(['--json', 'info', 'one'], daemon)).stdout) as AppInfo;
  assert.equal(info.appId, `clock${HOSTILE}`);
});
