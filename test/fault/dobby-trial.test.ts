/** Whether Dobby hibernates apps is what a trial has shown, with the memcr that listens now: it says nothing itself. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { insideDirectories } from '../../src/adapters/inside/inside-directories.ts';
import { configSchema } from '../../src/config.ts';
import type { ContainerId } from '../../src/domain/ids.ts';
import { buildDobby } from '../../src/start/dobby.ts';
import { tryInPlace } from '../../src/start/in-place-trial.ts';
import { machineFacts } from '../../src/start/machine.ts';
import { provingAnew } from '../../src/start/proof.ts';
import { newBox } from '../container/rootfs-box.ts';
import { startBus } from '../lib/bus-daemon.ts';
import { TOOLS } from '../lib/daemon.ts';
import { startDobby } from '../lib/dobby-service.ts';

const WAIT = { signal: new AbortController().signal, timeoutMs: 20_000 };
const nothing = (): void => undefined;
const LOG = { debug: nothing, info: nothing, warn: nothing, error: nothing };

async function listenAt(path: string): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer().listen(path);
  await once(server, 'listening');
  return server;
}

for (const start of ['bundle', 'spec'] as const) {
  test(`from ${start}s: a hibernation is promised where a small app was hibernated and woken, and tried again with another memcr`, async () => {
    await using held = new AsyncDisposableStack();
    const bus = held.use(await startBus());
    const dobby = held.use(await startDobby(bus.address));
    const box = held.use(await newBox());
    const memcrSocket = `${box.path}/memcr`;
    const config = configSchema.parse({
      engine: 'dobby',
      dobby: { bus: bus.address, start, settleMs: 20 },
      userIds: { first: 30_001, last: 31_000 },
    });
    const machine = machineFacts(TOOLS, { copy: '', hasApps: true });
    const insides = insideDirectories({ directory: `${box.path}/inside`, init: machine.init });
    const { roots: rootfs, path: runDirectory } = box;
    const hibernate = tryInPlace({ rootfs, insides, runDirectory, uid: 31_000, rootIdOffset: 100_000, ...machine });
    const id = `trial+${randomUUID()}` as ContainerId;
    const { engine, surveys, close } = await buildDobby({
      ...{ config, bus: undefined, env: {}, openDirectory: runDirectory, rootfs, log: LOG, memcrSocket },
      prove: (keyNow, engineOf) =>
        provingAnew({
          ...{ keyNow, remembered: undefined, remember: () => Promise.resolve() },
          tryOut: (signal) => hibernate(engineOf(), { id, signal }),
        }),
    });
    held.defer(close);
    const told = async () => {
      const { answers, can, lacks } = await engine.report(WAIT);
      assert(answers);
      return { can: can.some((one) => one.startsWith('hibernate')), lacks };
    };

    const without = await told();
    assert.equal(without.can, false);
    assert.match(without.lacks[0]?.what ?? '', /memcr does not listen/);
    assert.equal(await engine.hibernates?.(), undefined);
    assert.deepEqual(
      dobby.wire.called.filter((method) => method.startsWith('Start')),
      [],
      'nothing is tried',
    );
    assert.equal((await surveys.survey({ pids: [], tcp: 'close' }))[0]?.code, 'NO_MEMCR');

    let memcr = await listenAt(memcrSocket);
    held.defer(() => void memcr.close());
    assert.deepEqual(await told(), { can: true, lacks: [] });
    assert.deepEqual(await told(), { can: true, lacks: [] });
    assert.equal(dobby.wire.called.filter((method) => method === 'Hibernate').length, 1);
    assert.deepEqual(dobby.ids, []);

    // one that was started without -N
    dobby.faults.killsAtHibernation = true;
    memcr.close();
    memcr = await listenAt(memcrSocket);
    const {
      can,
      lacks: [lack],
    } = await told();
    assert.equal(can, false);
    assert.equal(lack?.what, 'no app can be hibernated: it was tried');
    assert.match(lack.why, /ended it \(exit code 137\)/);
    assert.match(lack.next, /memcr with -N/);
    assert.deepEqual(dobby.ids, []);
    assert.deepEqual([dobby.wire.strange, dobby.wire.leaked], [[], 0]);
  });
}
