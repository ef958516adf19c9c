/** The package as others get it: what is in it, its types, and the examples of docs/client.md, run as they stand there. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { consumer, UNCACHED } from '../lib/consumer.ts';
import type { Consumer } from '../lib/consumer.ts';
import { startDaemon } from '../lib/daemon.ts';
import type { TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { assertPrinted, blockOf, PROJECT } from '../lib/pages.ts';
import { until } from '../lib/until.ts';

const PAGE = 'docs/client.md';
const LIMIT_MS = 120_000;
const run = promisify(execFile);

let use: Consumer;
let daemon: TestDaemon;
let port: number;

before(async () => {
  use = await consumer();
  port = await freePort();
  daemon = await startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
});
after(async () => {
  await daemon[Symbol.asyncDispose]();
  await use[Symbol.asyncDispose]();
});

/** The system's own daemon is the test's here. */
const here = (code: string): string =>
  code
    .replaceAll('127.0.0.1:9998', `127.0.0.1:${port}`)
    .replaceAll('/var/lib/runtime-manager/token', daemon.places.token)
    .replaceAll('connect()', `connect({ root: '${daemon.root}' })`)
    .replaceAll('connect({ connect', `connect({ root: '${daemon.root}', connect`)
    .replaceAll('callOnce({}', `callOnce({ root: '${daemon.root}' }`);

const HEADINGS = [
  ...['## The life of an app', '## Events, by listeners', '## Errors', '## Limits and signals'],
  ...['## A program in an app', '## One call, no connection'],
];

for (const heading of HEADINGS) {
  test(`docs/client.md, ${heading.slice(3)}: the example does what is written`, async () => {
    const block = blockOf(PAGE, heading, 'ts');
    const file = await use.write('example.ts', here(block));
    const { stdout, stderr } = await run(process.execPath, [file], { timeout: LIMIT_MS });
    assert.equal(stderr, '');
    assertPrinted(stdout, block, '//');
  });
}

test('docs/client.md, Events: the example sees each event once, over a restart and a kill -9 of the daemon', async () => {
  const { lastSeq } = await daemon.client.getEvents({ since: 0 });
  const code = here(blockOf(PAGE, '## Events, one after the other', 'ts')).replace('since = 0', `since = ${lastSeq}`);
  const example = spawn(process.execPath, [await use.write('events.ts', code)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(example, 'exit');
  let printed = '';
  example.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const one = { appInstanceId: 'watched' };
  const app = { rootfs: { host: true }, args: ['/bin/sleep', '600'] } as const;
  await daemon.client.run({ appId: 'com.example.watched', ...one, app: { ...app, args: [...app.args] } });
  await until(() => printed.includes('started'), { what: 'the example sees the start' });
  await daemon.restart();
  await daemon.client.suspend(one);
  await daemon.kill9();
  await daemon.start();
  await daemon.client.resume(one);
  await daemon.client.kill(one);
  assert.deepEqual(await ended, [0, null]);
  const { events } = await daemon.client.getEvents({ since: lastSeq });
  const expected = events.map((event) => {
    return `${event.seq} ${event.type === 'stateChanged' ? `${event.old} → ${event.new}` : event.type}`;
  });
  assert.deepEqual(
    printed.trimEnd().split('\n'),
    expected.slice(0, expected.findIndex((line) => / terminated/.test(line)) + 1),
  );
});

test('it has what it needs and nothing else, and JavaScript can use it', async () => {
  const folders = new Set(use.packed.map((path) => path.split('/')[0]));
  for (const name of ['src', 'test', 'bench', 'node_modules']) assert.ok(!folders.has(name), name);
  for (const path of ['client/node.js', 'client/browser.js', 'types/client/node.d.ts', 'types/client/browser.d.ts']) {
    assert.ok(use.packed.includes(`dist/${path}`), path);
  }
  const file = await use.write(
    'plain.mjs',
    `import { connect, callOnce, ERRORS } from 'runtime-manager';
     import * as browser from 'runtime-manager/browser';
     const client = await connect(${JSON.stringify(`unix:${daemon.places.socket}`)});
     const { version } = await client.version();
     console.log(version === (await callOnce({ root: ${JSON.stringify(daemon.root)} }, ['version', {}])).version);
     console.log(ERRORS.NOT_FOUND.exitCode, typeof browser.connect);
     client.close();`,
  );
  assert.equal((await run(process.execPath, [file])).stdout, 'true\n3 function\n');
});

const TYPED = `import { connect } from 'runtime-manager';
  import type { AppEvent, AppInfo, Client, ErrorCode, MethodName } from 'runtime-manager';
  const client: Client = await connect('ws://127.0.0.1:9998', { token: 'x', signal: AbortSignal.timeout(1), timeoutMs: 1 });
  const info: AppInfo = await client.getInfo({ appInstanceId: 'a' }, { timeoutMs: 1 });
  const code: ErrorCode = 'NOT_FOUND';
  const name: MethodName = 'wake';
  client.on('terminated', ({ exit }) => exit.code?.toFixed());
  for await (const item of client.events({ since: 1 })) if (item.type !== 'gap') ((event: AppEvent) => event.seq)(item);
  // @ts-expect-error: it has no such member
  await client.suspend({ appInstanceID: 'a' });
  // @ts-expect-error: it needs parameters
  await client.suspend();
  // @ts-expect-error: no such method
  client.constructed();
  // @ts-expect-error: no such event
  client.on('ended', () => undefined);
  console.log(info.state, code, name);\n`;

test('its types are sound in Node and in a browser’s program without those of Node, and know what is wrong', async () => {
  const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
  const common = ['--noEmit', '--strict', '--target', 'es2024', '--exactOptionalPropertyTypes'];
  const file = await use.write('typed.ts', TYPED);
  await mkdir(join(use.directory, 'node_modules/@types'));
  await symlink(join(PROJECT, 'node_modules/@types/node'), join(use.directory, 'node_modules/@types/node'));
  const inNode = ['--module', 'nodenext', '--lib', 'es2024,esnext.disposable', '--types', 'node'];
  const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler', '--customConditions', 'browser'];
  const inBrowser = [...bundler, '--lib', 'es2024,esnext.disposable,dom'];
  for (const flags of [inNode, inBrowser]) {
    const outcome = run(process.execPath, [tsc, ...common, ...flags, file], { cwd: use.directory, env: UNCACHED });
    await outcome.catch((error: unknown) => assert.fail((error as { stdout: string }).stdout));
  }
});

test('the build for browsers has nothing of any package and nothing of Node in it', async () => {
  const options = { bundle: true, write: false, metafile: true, format: 'esm', absWorkingDir: use.directory } as const;
  const entry = await use.write('page.mjs', "export { connect } from 'runtime-manager';\n");
  const { metafile, outputFiles } = await build({ ...options, entryPoints: [entry], platform: 'browser' });
  assert.deepEqual(Object.keys(metafile.inputs).sort(), [
    'node_modules/runtime-manager/dist/client/browser.js',
    'page.mjs',
  ]);
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  assert.deepEqual(imports, []);
  const [{ text } = assert.fail('no output')] = outputFiles;
  assert.doesNotMatch(text, /\bnode:|\brequire\b|\bprocess\.|\bBuffer\b/);
  assert.ok(text.length < 40_000, `${text.length} characters`);
});
