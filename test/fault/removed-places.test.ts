/** The daemon's socket, directories and journal are removed or replaced while it runs and apps do. */
import assert from 'node:assert/strict';
import { lstatSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connect, type Client } from '../../src/client/node.ts';
import { exitOf, outputOf, runApp, shell, SLEEP, stateOf, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { until } from '../lib/until.ts';

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
const ofDevice = async (client: Client) =>
  (await client.getHealth()).problems.filter(({ appInstanceId }) => appInstanceId === null);

async function untilTold(client: Client, word: string, state: 'warn' | 'fail' = 'warn') {
  const told = async () => (await ofDevice(client)).find((one) => one.what.includes(word) && one.state === state);
  await until(async () => (await told()) !== undefined, { what: `problems tell of ${word}` });
  const problem = await told();
  assert(problem !== undefined);
  return problem;
}

test('a control socket that is removed or replaced is made again, and connections go on', async () => {
  await using daemon = await startDaemon();
  const { client, places } = daemon;
  const id = await runApp(client, 'calm', SLEEP);
  const { mode, uid, gid } = lstatSync(places.socket);
  const answers = async (): Promise<boolean> => {
    const other = await connect({ socket: places.socket });
    const { pid } = await other.version();
    other.close();
    return pid === daemon.pid;
  };
  const served = () => until(() => answers().catch(() => false), { what: 'the socket is served' });

  await rm(places.socket);
  await served();
  assert.equal(await stateOf(client, id), 'RUNNING', 'the old connection goes on');
  const now = lstatSync(places.socket);
  assert.deepEqual({ mode: now.mode, uid: now.uid, gid: now.gid }, { mode, uid, gid });
  const told = await untilTold(client, 'control.sock');
  assert.equal(told.code, 'SOCKET_REMOVED');
  assert.match(daemon.log(), /the control socket \S+ was removed; the daemon listens there again/);

  // not ours to remove: told until it is gone
  await rm(places.socket);
  await mkdir(places.socket);
  assert.match((await untilTold(client, 'control.sock', 'fail')).why, /is no socket/);
  await rename(places.socket, `${places.socket}.aside`);
  await served();
  assert.deepEqual(
    (await ofDevice(client)).map(({ state }) => state),
    ['warn'],
  );
  assert.equal(await stateOf(client, id), 'RUNNING', 'the first connection goes on');
});

test('directories that are removed are made again with their modes, and apps that run lose no exit code or line', async () => {
  await using daemon = await startDaemon();
  const { client, places } = daemon;
  const { run, logs, state, apps } = places;
  const paths = [`${run}/exits`, `${run}/persist`, logs, apps, `${state}/inside`];
  const script = 'echo first; until [ -e /tmp/on ]; do sleep 0.05; done; echo second; exit 42';
  const id = await runApp(client, 'going', shell(script));
  await untilSays(client, id, 'first');
  const before = paths.map((path) => statSync(path).mode);
  for (const path of paths) await rm(path, { recursive: true });
  await until(() => paths.every(isThere), { what: 'the directories are there again' });
  assert.deepEqual(
    paths.map((path) => statSync(path).mode),
    before,
  );
  for (const path of paths) {
    const { code, why } = await untilTold(client, `${path} was removed while the daemon ran; it was made again`);
    assert.equal(code, 'DIRECTORY_REMOVED');
    assert(why.length > 20);
    assert(daemon.log().includes(`${path} was removed`), 'the log tells it');
  }
  await client.exec({ appInstanceId: id, args: ['/bin/touch', '/tmp/on'] });
  assert.equal((await exitOf(client, id)).code, 42);
  assert.deepEqual(await outputOf(client, id), ['second']);
  const next = await runApp(client, 'next', shell('echo hello; exit 3'));
  assert.equal((await exitOf(client, next)).code, 3);
  assert.deepEqual(await outputOf(client, next), ['hello']);
});

test('with the whole run directory removed, apps go on and can be ended, and what is lost is told', async () => {
  await using daemon = await startDaemon();
  const { client, places } = daemon;
  const id = await runApp(client, 'stays', SLEEP);
  await rm(places.run, { recursive: true });
  const lost = await untilTold(client, `${places.run}/bundles was removed`);
  assert.match(`${lost.why} ${lost.next}`, /hibernated.*terminate/);
  await untilTold(client, 'control.sock');
  await client.suspend({ appInstanceId: id });
  await client.resume({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'TERMINATED');
  const next = await runApp(client, 'next', shell('exit 5'));
  assert.equal((await exitOf(client, next)).code, 5);
});

test('what is in the way of a directory is told until it is moved away, and a journal that is removed until it is back', async () => {
  await using daemon = await startDaemon();
  const { client, places } = daemon;
  await rename(places.logs, `${places.logs}.old`);
  await writeFile(places.logs, '');
  const { next } = await untilTold(client, places.logs, 'fail');
  assert.equal(
    next,
    `move away what is there: mv ${places.logs} ${places.logs}.aside; the daemon makes it again by itself`,
  );
  await rename(places.logs, `${places.logs}.aside`);
  await untilTold(client, places.logs, 'warn');
  await rename(places.database, `${places.database}.old`);
  assert.equal((await untilTold(client, places.database, 'fail')).code, 'FILE_REMOVED');
  await rename(`${places.database}.old`, places.database);
  await until(async () => !(await ofDevice(client)).some(({ code }) => code === 'FILE_REMOVED'), {
    what: 'the journal is back',
  });
});
