/** What cannot be run is refused by name, with advice, before anything is taken; no trace is left of it. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MethodInput } from '../../src/client/node.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { hostApp, runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { groupsBelow, processesWith } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

type Order = MethodInput<'run'>;
type Case = {
  readonly order: (id: string, directory: string) => unknown;
  readonly code: ErrorCode;
  readonly names: RegExp;
};

const withApp =
  (app: object) =>
  (appInstanceId: string): unknown => ({
    appId: appInstanceId,
    appInstanceId,
    app: { rootfs: { host: true }, args: ['/bin/sleep', '100'], ...app },
  });
const withLimits = (limits: object) => withApp({ limits });
const bundle = (name: string) => (id: string, directory: string) =>
  withApp({ rootfs: { bundle: join(directory, name) } })(id);

const CASES: Readonly<Record<string, Case>> = {
  'a bundle that is not there': { order: bundle('nowhere'), code: 'BUNDLE_INVALID', names: /nowhere/ },
  'a bundle without config.json': { order: bundle('empty'), code: 'BUNDLE_INVALID', names: /empty\/config\.json/ },
  'a bundle whose config.json is no JSON': {
    order: bundle('broken'),
    code: 'BUNDLE_INVALID',
    names: /broken\/config\.json/,
  },
  'a bundle whose config.json is something else': {
    order: bundle('other'),
    code: 'BUNDLE_INVALID',
    names: /other\/config\.json/,
  },
  'a root file system that is not there': {
    order: (id, directory) => withApp({ rootfs: { dir: join(directory, 'no-root') } })(id),
    code: 'BUNDLE_INVALID',
    names: /no-root/,
  },
  'a root file system that is a file': {
    order: (id, directory) => withApp({ rootfs: { dir: join(directory, 'file') } })(id),
    code: 'BUNDLE_INVALID',
    names: /\/file/,
  },
  'two root file systems': {
    order: withApp({ rootfs: { host: true, dir: '/' } }),
    code: 'INVALID_ARGUMENT',
    names: /rootfs/,
  },
  'a command that is not there': {
    order: withApp({ args: ['/no/such/program'] }),
    code: 'COMMAND_NOT_FOUND',
    names: /\/no\/such\/program/,
  },
  'a command that is nowhere in PATH': {
    order: withApp({ args: ['no-such-program'] }),
    code: 'COMMAND_NOT_FOUND',
    names: /no-such-program/,
  },
  'a command that is a directory': { order: withApp({ args: ['/usr'] }), code: 'COMMAND_NOT_FOUND', names: /\/usr/ },
  'a command that cannot be executed': {
    order: withApp({ args: ['/etc/passwd'] }),
    code: 'COMMAND_NOT_FOUND',
    names: /\/etc\/passwd/,
  },
  'no command': { order: withApp({ args: undefined }), code: 'INVALID_ARGUMENT', names: /command/ },
  'an empty command': { order: withApp({ args: [] }), code: 'INVALID_ARGUMENT', names: /app\.args/ },
  'an argument with a NUL': {
    order: withApp({ args: ['/bin/sleep', '1\0'] }),
    code: 'INVALID_ARGUMENT',
    names: /app\.args\[1\]/,
  },
  'a negative memory limit': {
    order: withLimits({ memoryBytes: -1 }),
    code: 'INVALID_ARGUMENT',
    names: /app\.limits\.memoryBytes/,
  },
  'a memory limit in which nothing can start': {
    order: withLimits({ memoryBytes: 1_000_000 }),
    code: 'INVALID_ARGUMENT',
    names: /app\.limits\.memoryBytes .*6 MiB/,
  },
  'a negative share of the processor': {
    order: withLimits({ cpus: -0.5 }),
    code: 'INVALID_ARGUMENT',
    names: /app\.limits\.cpus/,
  },
  'no process allowed': { order: withLimits({ pids: 0 }), code: 'INVALID_ARGUMENT', names: /app\.limits\.pids/ },
  'an unknown limit': { order: withLimits({ ram: 1 }), code: 'INVALID_ARGUMENT', names: /app\.limits\.ram/ },
  'an unknown member': { order: withApp({ colour: 'red' }), code: 'INVALID_ARGUMENT', names: /app\.colour/ },
  'a mount of what is not there': {
    order: (id, directory) => withApp({ mounts: [{ source: join(directory, 'no-source'), destination: '/mnt' }] })(id),
    code: 'INVALID_ARGUMENT',
    names: /no-source/,
  },
  'a mount over what is ours': {
    order: withApp({ mounts: [{ source: '/etc', destination: '/proc/x' }] }),
    code: 'INVALID_ARGUMENT',
    names: /\/proc\/x/,
  },
  'a mount with ..': {
    order: withApp({ mounts: [{ source: '/etc/../root', destination: '/mnt' }] }),
    code: 'INVALID_ARGUMENT',
    names: /mounts\[0\]\.source/,
  },
  'a directory to start in that is not there': {
    order: withApp({ cwd: '/no/where' }),
    code: 'COMMAND_NOT_FOUND',
    names: /\/no\/where/,
  },
  'an unknown user': {
    order: (id) => ({ ...(withApp({})(id) as Order), userId: -5 }),
    code: 'INVALID_ARGUMENT',
    names: /userId/,
  },
  'a user by name': {
    order: (id) => ({ ...(withApp({})(id) as Order), userId: 'nobody' }),
    code: 'INVALID_ARGUMENT',
    names: /userId/,
  },
  'an id that leads out': {
    order: () => hostApp('../../etc', SLEEP),
    code: 'INVALID_ARGUMENT',
    names: /\.\.\/\.\.\/etc/,
  },
  'an app id that leads out': {
    order: (id) => hostApp(id, SLEEP, { appId: '../x' }),
    code: 'INVALID_ARGUMENT',
    names: /appId .*\.\.\/x/,
  },
  'an id of one MiB': {
    order: () => hostApp('x'.repeat(2 ** 20), SLEEP, { appId: 'x' }),
    code: 'INVALID_ARGUMENT',
    names: /1048576 characters/,
  },
  'nothing to run': {
    order: (id) => ({ appId: id, appInstanceId: id }),
    code: 'INVALID_ARGUMENT',
    names: /nothing says what to run/,
  },
};

async function makeBundles(daemon: TestDaemon): Promise<string> {
  const directory = join(daemon.directory, 'bundles');
  for (const name of ['empty', 'broken', 'other']) await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, 'broken', 'config.json'), '{ "ociVersion": ');
  await writeFile(join(directory, 'other', 'config.json'), '[1, 2, 3]');
  await writeFile(join(directory, 'file'), '');
  return directory;
}

test('what cannot be run is refused by name, and leaves no trace', async (t) => {
  await using daemon = await startDaemon({ config: { userIds: { first: 42_001, last: 42_003 } } });
  const { client } = daemon;
  const directory = await makeBundles(daemon);
  for (const [name, { order, code, names }] of Object.entries(CASES)) {
    await t.test(name, async () => {
      const { message } = await helpfulRefusal(client.run(order(uniqueId('bad'), directory) as Order), code, names);
      assert(message.length < 2000, `${message.length} characters are no help`);
    });
  }
  assert.deepEqual((await client.getEvents({ since: 0 })).events, [], 'no event');
  assert.deepEqual(await client.list({ all: true }), [], 'no instance');
  assert.deepEqual(groupsBelow(daemon.group()), [], 'no control group');
  assert.deepEqual(processesWith(daemon.root), [daemon.pid], 'no process');
  for (const place of ['bundles', 'exits', 'persist', 'runtime']) {
    assert.deepEqual(readdirSync(`${daemon.places.run}/${place}`), [], place);
  }
  assert.deepEqual(readdirSync(daemon.places.apps), [], 'no storage');
  // three user ids for more than thirty refusals: all of them are free
  await Promise.all(['a', 'b', 'c'].map((name) => runApp(client, name, SLEEP)));
});

test('a refused run of an ended instance does not touch what is known of it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'known', ['/bin/true']);
  await client.terminate({ appInstanceId: id });
  const before = await client.getInfo({ appInstanceId: id });
  await helpfulRefusal(client.run(hostApp(id, ['/no/such'])), 'COMMAND_NOT_FOUND', /no\/such/);
  assert.deepEqual(await client.getInfo({ appInstanceId: id }), before);
});
