/** The examples of docs/api.md, run as they stand there, but for the place of the daemon and its port. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { compileFunction } from 'node:vm';
import { startDaemon } from '../lib/daemon.ts';
import type { TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { assertPrinted, blockOf, blocksOf, PROJECT } from '../lib/pages.ts';
import { ThunderJs } from '../lib/thunder-js.ts';
import { until } from '../lib/until.ts';

const PAGE = 'docs/api.md';
const LIMIT_MS = 120_000;
const run = promisify(execFile);

async function listening() {
  const port = await freePort();
  const daemon = await startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
  const here = (code: string): string =>
    code
      .replaceAll('127.0.0.1:9998', `127.0.0.1:${port}`)
      .replaceAll('port: 9998', `port: ${port}`)
      .replaceAll('/var/lib/runtime-manager/token', daemon.places.token)
      .replaceAll('/run/runtime-manager/control.sock', daemon.places.socket);
  return { daemon, here, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

const shell = (code: string) => run('bash', ['--norc', '-euo', 'pipefail', '-c', code], { timeout: LIMIT_MS });

async function node(daemon: TestDaemon, code: string) {
  const file = join(daemon.directory, 'example.mjs');
  await writeFile(file, code);
  return run(process.execPath, [file], { timeout: LIMIT_MS });
}

test('the whole life with curl by TCP is as written', async () => {
  await using at = await listening();
  const block = blockOf(PAGE, '### The whole life with curl', 'sh');
  const { stdout, stderr } = await shell(at.here(block));
  assert.equal(stderr, '');
  assertPrinted(stdout, block, '#');
});

test('the whole life with a standard WebSocket by TCP is as written', async () => {
  await using at = await listening();
  const block = blockOf(PAGE, '### The whole life with any WebSocket client', 'js');
  const { stdout, stderr } = await node(at.daemon, at.here(block));
  assert.equal(stderr, '');
  assertPrinted(stdout, block, '//');
});

test('the examples with curl and ws on the unix socket are as written', async () => {
  await using at = await listening();
  const { client, directory } = at.daemon;
  const [curl = assert.fail('no example')] = blocksOf(PAGE, '## Examples', 'sh');
  assertPrinted((await shell(at.here(curl).replace('curl ', 'curl -sS '))).stdout, curl, '#');
  assert.equal((await client.getInfo({ appInstanceId: 'clock-1' })).state, 'RUNNING');

  const block = blockOf(PAGE, '## Examples', 'js');
  const file = join(directory, 'watch.mjs');
  await writeFile(file, at.here(block));
  await mkdir(join(directory, 'node_modules'));
  await symlink(join(PROJECT, 'node_modules/ws'), join(directory, 'node_modules/ws'));
  const example = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(example, 'exit');
  try {
    let printed = '';
    example.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await until(() => printed.includes('\n'), { what: 'the example is registered', timeoutMs: LIMIT_MS });
    await client.suspend({ appInstanceId: 'clock-1' });
    await until(() => printed.trimEnd().includes('\n'), { what: 'the example is told', timeoutMs: LIMIT_MS });
    assertPrinted(printed, block, '//');
  } finally {
    example.kill('SIGKILL');
    await ended;
  }
});

/** npm has no ThunderJS: its habits are those of the stand-in (facts/thunder.md §2.1). */
test('the example with ThunderJS is as written', async () => {
  await using at = await listening();
  const app = { rootfs: { host: true as const }, args: ['/bin/sleep', '600'] };
  await at.daemon.client.run({ appId: 'clock', appInstanceId: 'clock-1', app });
  const block = blockOf(PAGE, '### With ThunderJS', 'js');
  const printed: string[] = [];
  let thunder: ThunderJs | undefined;
  const names = {
    ThunderJS: (options: Parameters<typeof ThunderJs.at>[0]) => (thunder = ThunderJs.at(options)),
    TOKEN: (await readFile(at.daemon.places.token, 'utf8')).trim(),
    console: { log: (...words: readonly unknown[]) => printed.push(words.map(String).join(' ')) },
  };
  const example = compileFunction(`return (async () => {${at.here(block)}})();`, Object.keys(names)) as (
    ...values: readonly unknown[]
  ) => Promise<void>;
  try {
    await example(...Object.values(names));
    await until(() => printed.length > 0, { what: 'the event is told', timeoutMs: LIMIT_MS });
    assertPrinted(printed.join('\n'), block, '//');
    assert.deepEqual(thunder?.complaints, []);
  } finally {
    thunder?.[Symbol.dispose]();
  }
});
