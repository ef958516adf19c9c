/** The daemon ends, cleanly or not, while apps run, start and stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import {
  hostApp,
  eventsOf,
  exitOf,
  inWords,
  pidOf,
  runApp,
  shell,
  SLEEP,
  stateOf,
  DEAF,
  untilSays,
  untilState,
} from '../lib/apps.ts';
import { runCampaign } from '../lib/campaign.ts';
import { newSeed } from '../lib/random-numbers.ts';
import { prepareDaemon, startDaemon } from '../lib/daemon.ts';
import { isAlive, processesOfUser, processesWith } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_ROUNDS'] ?? 12);
const SEED = Number(process.env['RUNTIME_MANAGER_CAMPAIGN_SEED'] ?? newSeed());

test(`a daemon killed ${ROUNDS} times at random moments loses nothing and leaves nothing (seed ${SEED})`, async () => {
  await using daemon = await startDaemon();
  await runCampaign({ daemon, seed: SEED, rounds: ROUNDS, apps: 10 });
});

test('apps in every lasting state are found again with the same process after kill -9, and go on from there', async () => {
  await using daemon = await startDaemon();
  const running = await runApp(daemon.client, 'running', SLEEP);
  const suspended = await runApp(daemon.client, 'suspended', SLEEP);
  const ended = await runApp(daemon.client, 'ended', shell('exit 3'));
  await daemon.client.suspend({ appInstanceId: suspended });
  await exitOf(daemon.client, ended);
  const pids = await Promise.all([running, suspended].map((id) => pidOf(daemon.client, id)));
  const before = await eventsOf(daemon.client, running);
  await daemon.kill9();
  await daemon.restart();
  const { client } = daemon;
  assert.deepEqual(await Promise.all([running, suspended].map((id) => pidOf(client, id))), pids);
  assert.equal(await stateOf(client, running), 'RUNNING');
  assert.equal(await stateOf(client, suspended), 'SUSPENDED');
  assert.equal((await exitOf(client, ended)).code, 3);
  assert.deepEqual(await eventsOf(client, running), before, 'nothing has changed, so nothing is told');
  await client.resume({ appInstanceId: suspended });
  await client.terminate({ appInstanceId: suspended });
  assert.equal((await exitOf(client, suspended)).cause, 'terminated');
});

test('a terminate that the daemon did not live to finish is finished by the next one', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'ending', DEAF, { terminateGraceMs: 500 });
  await untilSays(daemon.client, id, 'ready');
  const { uid } = await daemon.client.getInfo({ appInstanceId: id });
  void daemon.client.terminate({ appInstanceId: id }).catch(() => undefined);
  await untilState(daemon.client, id, 'TERMINATING');
  await daemon.kill9();
  await daemon.restart();
  assert.equal((await exitOf(daemon.client, id)).cause, 'killed');
  assert.deepEqual(inWords(await eventsOf(daemon.client, id)).slice(-3), [
    'RUNNING>TERMINATING',
    'TERMINATING>TERMINATED',
    'terminated',
  ]);
  assert.deepEqual(processesOfUser(uid), []);
});

test('a clean end leaves the apps running; with --stop-apps it ends them', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'stays', SLEEP);
  const pid = await pidOf(daemon.client, id);
  assert.equal((await daemon.stop()).code, 0);
  assert(isAlive(pid));
  await daemon.restart(['--stop-apps']);
  assert.equal(await pidOf(daemon.client, id), pid);
  assert.equal((await daemon.stop()).code, 0);
  assert(!isAlive(pid));
  assert.deepEqual(processesWith(daemon.root), []);
  await daemon.restart();
  assert.equal((await exitOf(daemon.client, id)).cause, 'terminated');
});

test('a second daemon on the same root is refused, says which, and does not disturb the first', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'first', SLEEP);
  const second = await daemon.tryAnother();
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another daemon works with .*state\.db/);
  assert.match(second.stderr, /next: end it, or give this one a root of its own with --root/);
  assert.equal(await stateOf(daemon.client, id), 'RUNNING');
  await daemon.client.terminate({ appInstanceId: id });
});

test('after a restart of the machine nothing of before is believed, and each app’s end is told', async () => {
  await using daemon = await startDaemon();
  const ids = await Promise.all(['a', 'b'].map((name) => runApp(daemon.client, name, SLEEP)));
  await daemon.client.suspend({ appInstanceId: ids[0] ?? '' });
  const again = await runApp(daemon.client, 'again', SLEEP, { restart: { policy: 'always', backoffMs: 1 } });
  const infos = await Promise.all([...ids, again].map((appInstanceId) => daemon.client.getInfo({ appInstanceId })));
  // what a machine loses: processes and control groups, here with the apps; /run; and the boot has another id
  await Promise.all(ids.map((appInstanceId) => daemon.client.resume({ appInstanceId }).catch(() => undefined)));
  await daemon.kill9();
  for (const { pid } of infos) process.kill(pid ?? assert.fail(), 'SIGKILL');
  await until(() => processesWith(daemon.root).length === 0, { what: 'all processes are gone' });
  await rm(daemon.places.run, { recursive: true });
  const database = new DatabaseSync(daemon.places.database);
  database.exec(`UPDATE instance SET record = json_set(record, '$.bootId', 'another')`);
  database.close();
  await daemon.restart();
  for (const id of ids) {
    const exit = await exitOf(daemon.client, id);
    assert.deepEqual({ ...exit, at: '' }, { code: null, signal: null, oom: false, cause: 'reboot', at: '' });
    await daemon.client.run(hostApp(id, SLEEP));
  }
  await untilState(daemon.client, again, 'RUNNING');
});

test('what lies in the daemon’s places and belongs to no instance is swept away at the start', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'stray', SLEEP);
  const { pid, uid } = await daemon.client.getInfo({ appInstanceId: id });
  await daemon.kill9();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${daemon.places.database}${suffix}`, { force: true });
  await daemon.restart();
  assert.deepEqual(await daemon.client.list({ all: true }), []);
  assert(pid !== null && !isAlive(pid));
  assert.deepEqual(processesOfUser(uid), []);
});

test('a file where the database should be is named, and left as it is', async () => {
  const daemon = await prepareDaemon();
  await mkdir(daemon.places.state, { recursive: true });
  await writeFile(daemon.places.database, 'This is no database. '.repeat(500));
  const { code, stderr } = await daemon.tryAnother();
  assert.equal(code, 1);
  assert.match(stderr, /state\.db could not be opened/);
  assert.match(stderr, /next: /);
  assert.match(await readFile(daemon.places.database, 'utf8'), /^This is no database/);
  assert.deepEqual(daemon.traces(), []);
  await rm(daemon.directory, { recursive: true });
});
