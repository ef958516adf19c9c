/** What the doctor, and `runtimectl engine`, say of an engine that is a daemon of its own: of the one that is in use. */
import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EngineReport } from '../../src/domain/api.ts';
import type { Finding } from '../../src/domain/health.ts';
import { startBus } from '../lib/bus-daemon.ts';
import { startDaemon } from '../lib/daemon.ts';
import { startDobby } from '../lib/dobby-service.ts';
import { runtimectl } from '../lib/runtimectl.ts';

const IDS = { first: 30_001, last: 31_000 };

/** What is said of the engine, a line each: state, what, why, next. */
async function engineFindings(root: string): Promise<readonly string[]> {
  const { stdout, stderr } = await runtimectl(['doctor', '--json'], { root });
  assert.equal(stderr, '');
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  return findings
    .filter(({ check }) => check === 'engine')
    .map(({ state, what, why, next }) => [state, what, why, next].join(' | '));
}

async function engine(root: string): Promise<EngineReport & { readonly code: number | null }> {
  const { code, stdout } = await runtimectl(['engine', '--json'], { root });
  return { ...(JSON.parse(stdout) as EngineReport), code };
}

test('the doctor asks with the engine and the bus that the daemon was started with, whatever the configuration says', async () => {
  await using bus = await startBus();
  await using dobby = await startDobby(bus.address);
  await using daemon = await startDaemon({
    config: { engine: 'embedded', dobby: { start: 'bundle', settleMs: 20 }, userIds: IDS },
    args: ['--engine', 'dobby', '--dobby-bus', bus.address],
  });
  const answering = await engineFindings(daemon.root);
  const text = answering.join('\n');
  assert.match(text, /^ok \| dobby answers \(org\.rdk\.dobby on unix:path=.*asked by the daemon\)/);
  assert.match(text, /ok \| it can start apps from OCI bundles \(dobby\.start: bundle\)/);
  assert.match(text, /ok \| it cannot .*limits/);
  const good = await engine(daemon.root);
  assert.deepEqual([good.engine, good.answers, good.code], ['dobby', true, 0]);
  assert(good.at?.includes(bus.address));
  const shown = await runtimectl(['engine'], { root: daemon.root });
  assert.match(shown.stdout, /^dobby \(.*\): answers\nit can start/);

  dobby.wire.hangs = true;
  const [hanging = ''] = await engineFindings(daemon.root);
  assert.match(hanging, /^fail \| the engine dobby .* starts no app \| .*not answered List.* \| .*restart/);
  dobby.wire.release();

  await dobby.crash();
  const [absent = ''] = await engineFindings(daemon.root);
  assert.match(absent, /^fail \| .*nobody owns the name org\.rdk\.dobby \| look whether DobbyDaemon runs/);
  const bad = await engine(daemon.root);
  assert.deepEqual([bad.answers, bad.code], [false, 1]);
  assert.deepEqual([dobby.wire.strange, dobby.wire.leaked], [[], 0]);
});

test('without a daemon the doctor asks as the configuration says, and leaves nothing', async () => {
  await using bus = await startBus();
  await using dobby = await startDobby(bus.address);
  const root = await mkdtemp(join(await realpath(tmpdir()), 'rmt-doc-'));
  const configure = (start: string, address: string): Promise<void> =>
    writeFile(
      join(root, 'config.yaml'),
      JSON.stringify({ engine: 'dobby', dobby: { bus: address, start, settleMs: 20 }, userIds: IDS }),
    );
  try {
    await configure('bundle', bus.address);
    assert.match((await engineFindings(root)).join('\n'), /^ok \| dobby answers \(.*asked by the doctor/);
    // the program of this one is node
    await configure('auto', bus.address);
    const [unseen = ''] = await engineFindings(root);
    assert.match(unseen, /^fail \| .*it cannot be seen how this Dobby .* \| set dobby\.start/);
    await configure('bundle', 'unix:path=/nonexistent/bus');
    const [away = ''] = await engineFindings(root);
    assert.match(away, /^fail \| .*\/nonexistent\/bus.* starts no app/);
    assert.deepEqual([dobby.wire.strange, dobby.wire.leaked], [[], 0]);
  } finally {
    await rm(join(root, 'config.yaml'));
    await rmdir(root);
  }
});
