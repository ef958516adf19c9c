/**
 * The plugin of Thunder that calls the daemon (thunder-bridge/): its logic, which needs no Thunder, built with the machine's compiler
 * and run with sanitizers; alone on a fake of the daemon's socket, and on a real daemon.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';

const SOURCE = fileURLToPath(new URL('../../thunder-bridge', import.meta.url)).replace(/\/$/, '');
const SANITIZERS = ['address,undefined', 'thread'] as const;
const run = promisify(execFile);

let scratch = '';
const directoryOf = (sanitizer: string): string => join(scratch, sanitizer.slice(0, 4));
const programOf = (sanitizer: string): string => join(directoryOf(sanitizer), 'test', 'bridge-tests');

/** All sources of a target at once: a third of the time. */
async function build(sanitizer: string): Promise<void> {
  const options = ['BRIDGE_PLUGIN=OFF', 'BRIDGE_TESTS=ON', `BRIDGE_SANITIZE=${sanitizer}`];
  const fast = ['CMAKE_UNITY_BUILD=ON', 'CMAKE_UNITY_BUILD_BATCH_SIZE=0', 'CMAKE_CXX_FLAGS=-O0 -g1'];
  const directory = directoryOf(sanitizer);
  await run('cmake', ['-S', SOURCE, '-B', directory, ...[...options, ...fast].map((option) => `-D${option}`)]);
  await run('cmake', ['--build', directory], { maxBuffer: 2 ** 24 });
}

/** Fails with the program's own words. */
async function runTests(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { stdout } = await run(program, args, { env: { ...process.env, ...env }, timeout: 120_000 }).catch(
    (error: unknown) => {
      const said = error as { readonly stdout?: string; readonly stderr?: string };
      return assert.fail(`${String(error)}\n${said.stdout ?? ''}${said.stderr ?? ''}`);
    },
  );
  assert.match(stdout, /^[1-9]\d* passed, 0 failed$/m);
}

before(async () => {
  scratch = await mkdtemp(join(await realpath(tmpdir()), 'bridge-'));
  await Promise.all(SANITIZERS.map(build));
});

after(() => rm(scratch, { recursive: true, force: true }));

for (const sanitizer of SANITIZERS) {
  test(`the bridge's queue, order, reconnection and mapping hold, with -fsanitize=${sanitizer}`, async () => {
    await runTests(programOf(sanitizer), [], { UBSAN_OPTIONS: 'print_stacktrace=1' });
  });
}

const COUNTER = `#!/usr/bin/perl
$| = 1; while (1) { print "."; select(undef, undef, undef, 0.01) }
`;

test("the bridge leads a real daemon's app through its life, each answer before its events", async () => {
  await using daemon = await startDaemon();
  const directory = join(daemon.directory, 'package');
  await mkdir(directory, { mode: 0o755 });
  await writeFile(join(directory, 'counter'), COUNTER, { mode: 0o755 });
  await runTests(programOf('address,undefined'), ['--daemon', daemon.places.socket], {
    BRIDGE_TEST_PACKAGE: directory,
  });
  await checkHouse(daemon);
});
