/** The examples of docs/api.md, run as they stand there, but for the place of the daemon and its port. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon } from '../lib/daemon.ts';
import type { TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { assertPrinted, blockOf, blocksOf } from '../lib/pages.ts';

const PAGE = 'docs/api.md';
const LIMIT_MS = 120_000;
const run = promisify(execFile);

async function listening() {
  const port = await freePort();
  const daemon = await startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
  const here = (code: string): string =>
    code
      .replaceAll('127.0.0.1:9998', `127.0.0.1:${port}`)
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

test('the example with curl on the unix socket is as written', async () => {
  await using at = await listening();
  const [block = assert.fail('no example')] = blocksOf(PAGE, '## Examples', 'sh');
  const { stdout } = await shell(at.here(block).replace('curl ', 'curl -sS '));
  assertPrinted(stdout, block, '#');
  assert.equal((await at.daemon.client.getInfo({ appInstanceId: 'clock-1' })).state, 'RUNNING');
});
