/** What is said of hibernation is what the tools at hand were seen to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS, type DaemonOptions } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { crunOptions, crunScript, oldRunc, onlyTools } from '../lib/old-runtimes.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { toolsWith } from '../lib/tools.ts';

const CANNOT = /^no app can be hibernated on this device: it was tried$/;

/** What a daemon says of hibernation before and after a restart, and what becomes of one that is tried. */
async function saidBy(options: DaemonOptions) {
  await using daemon = await startDaemon(options);
  const id = await runApp(daemon.client, 'asked', SLEEP);
  const ask = async () => {
    const { possible, findings } = await daemon.client.explainHibernation({ appInstanceId: id });
    const { can, lacks } = await daemon.client.getEngine();
    return {
      possible,
      findings: findings.map(({ what, why }) => [what, why]),
      can: can.some((one) => one.startsWith('hibernate')),
      lacks,
    };
  };
  const first = await ask();
  await checkHouse(daemon);
  await daemon.restart();
  const begin = performance.now();
  assert.deepEqual(await ask(), first, 'it is remembered');
  assert(performance.now() - begin < 5000);
  const error = await daemon.client.hibernate({ appInstanceId: id }).then(
    () => undefined,
    (thrown: unknown) => String(thrown),
  );
  const words = await runtimectl(
    ['run', 'com.example', '--hibernatable', '--instance', uniqueId('warned'), '--host-rootfs', '--', ...SLEEP],
    {
      root: daemon.root,
    },
  );
  return { ...first, error, words };
}

test('with the tools of the set-up it can, and so it is', async () => {
  const said = await saidBy({});
  assert.deepEqual(said.findings, []);
  assert.partialDeepStrictEqual(said, { possible: 'yes', can: true, lacks: [], error: undefined });
  assert.equal(said.words.stderr, '');
});

test('a daemon that ends while it tries leaves nothing of what it tried', async () => {
  await using daemon = await startDaemon();
  for (const afterMs of [0, 60, 150, 300]) {
    const asked = daemon.client.getEngine().catch(() => undefined);
    await sleep(afterMs);
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    await asked;
    assert.deepEqual(daemon.traces(), [], `stopped after ${afterMs} ms`);
    await daemon.restart();
  }
});

const cases = {
  'the runc of Debian 12': async () => {
    const tools = await toolsWith({ runc: `#!/bin/sh\nexec ${await oldRunc()} "$@"\n` });
    return { tools, options: { tools: tools.path }, why: /this runc is older than 1\.2/ };
  },
  crun: async () => {
    const tools = await onlyTools({ crun: crunScript(`${TOOLS}/crun`), criu: `#!/bin/sh\nexec ${TOOLS}/criu "$@"\n` });
    return { tools, options: crunOptions(tools), why: /crun does not tell CRIU of the devices/ };
  },
  'a CRIU that fails': async () => {
    const tools = await toolsWith({ criu: '#!/bin/sh\n[ "$1" = --version ] || exit 1\necho "Version: 4.2.1"\n' });
    return { tools, options: { tools: tools.path }, why: /\S/ };
  },
  'no CRIU': async () => {
    const tools = await toolsWith({ criu: undefined });
    const path = process.env['PATH'] ?? '';
    return { tools, options: { tools: tools.path, env: { PATH: path } }, why: /there is no criu/ };
  },
};

for (const [name, make] of Object.entries(cases)) {
  test(`with ${name} it cannot, and every answer says so and why`, async () => {
    const { tools, options, why } = await make();
    await using _ = tools;
    const said = await saidBy(options);
    assert.equal(said.possible, 'no');
    assert.match(said.findings[0]?.[0] ?? '', CANNOT);
    assert.match(said.findings[0]?.[1] ?? '', why);
    assert.doesNotMatch(said.findings[0]?.[1] ?? '', /trial\+/, 'no id of an app that nobody knows');
    assert.equal(said.can, false);
    assert.match(said.lacks[0]?.why ?? '', why);
    assert(said.error !== undefined, 'a hibernation that is tried fails');
    assert.match(said.words.stderr, /no app can be hibernated on this device/);
    assert.equal(said.words.code, 0);
  });
}
