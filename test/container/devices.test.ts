/** Device nodes and groups of the machine in apps. The nodes are the tests' own, of devices that do nothing (1:5 is /dev/zero's, 1:7 /dev/full's). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostApp, outputOf, perl, runApp, SLEEP, stateOf, uniqueId, untilSays } from '../lib/apps.ts';
import { prepareDaemon, type TestDaemon } from '../lib/daemon.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const VIDEO = { name: 'video', id: Number(/^video:[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]) };

const NODES = [
  ['gpu0', '1', '5'],
  ['dri/card0', '1', '5'],
  ['full', '1', '7'],
  ['held', '10', '237'],
] as const;

type Device = AsyncDisposable & { readonly daemon: TestDaemon; readonly at: (name: string) => string };

/** A directory with the nodes `gpu0`, `full` and `dri/card0`; only the group video opens the first and the last. */
async function start(platform: (at: Device['at']) => object = () => ({})): Promise<Device> {
  const daemon = await prepareDaemon();
  const at = (name: string): string => join(daemon.directory, 'nodes', name);
  mkdirSync(at('dri'), { recursive: true });
  for (const [name, ...numbers] of NODES) {
    execFileSync('mknod', ['-m', '660', at(name), 'c', ...numbers]);
    chownSync(at(name), 0, VIDEO.id);
  }
  const file = join(daemon.root, 'config.yaml');
  writeFileSync(join(daemon.directory, 'device.json'), JSON.stringify(platform(at)));
  const settings = JSON.parse(readFileSync(file, 'utf8')) as { apps?: object };
  const apps = { ...settings.apps, devices: [at('gpu0'), at('dri'), at('held')] };
  writeFileSync(file, JSON.stringify({ ...settings, apps, platform: join(daemon.directory, 'device.json') }));
  await daemon.start();
  return { daemon, at, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** Says of each path whether it can be read, on SIGUSR1 again. */
const reader = (...paths: readonly string[]): readonly string[] => [
  ...perl(
    '$| = 1; sub look { for (@ARGV) { my ($f, $c); my $got = open($f, "<", $_) && sysread($f, $c, 4); print "$_ ", $got ? unpack("H*", $c) : "$!", "\\n" } print "done ", ++$n, "\\n" } $SIG{USR1} = \\&look; look(); sleep 1 while 1',
  ),
  ...paths,
];

test('an app has the device nodes that it was given and no other, by a group of theirs, also after a wake', async () => {
  await using device = await start();
  const { daemon, at } = device;
  const { client } = daemon;
  const paths = [at('gpu0'), at('dri/card0'), at('full')];
  const devices = [at('gpu0'), at('dri')];
  const id = await runApp(client, 'drawing', reader(...paths), { devices, groups: [VIDEO.name] });
  await untilSays(client, id, 'done 1');
  const zeros = [`${at('gpu0')} 00000000`, `${at('dri/card0')} 00000000`];
  const seen = [...zeros, `${at('full')} No such file or directory`];
  assert.deepEqual((await outputOf(client, id)).slice(0, 3), seen);
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  await client.exec({ appInstanceId: id, args: ['/bin/sh', '-c', 'kill -s USR1 -- -1'] });
  await untilSays(client, id, 'done 2');
  assert.deepEqual((await outputOf(client, id)).slice(4, 7), seen);
  // one that has a device open goes on, and is told why it cannot sleep (10:237 is loop-control, which does nothing by being open)
  const holding = perl(`$| = 1; open(my $f, '<', '${at('held')}') or die "$!"; print "open\\n"; sleep 1 while 1`);
  const held = await runApp(client, 'holding', holding, { devices: [at('held')], groups: [VIDEO.id] });
  await untilSays(client, held, 'open');
  const { findings } = await client.explainHibernation({ appInstanceId: held });
  assert(
    findings.some(({ code, what }) => code === 'DEVICE' && what.includes(at('held'))),
    JSON.stringify(findings),
  );
  await helpfulRefusal(client.hibernate({ appInstanceId: held }), 'CHECKPOINT_FAILED', /has a device open/);
  assert.equal(await stateOf(client, held), 'RUNNING');
  const outside = await runApp(client, 'outside', reader(at('gpu0')), { devices });
  await untilSays(client, outside, `${at('gpu0')} Permission denied`);
});

test('what the device does not list is refused by name, and what is not there, too', async () => {
  await using device = await start();
  const { daemon, at } = device;
  const run = (extra: object) => daemon.client.run(hostApp(uniqueId('refused'), SLEEP, extra));
  await helpfulRefusal(run({ devices: [at('full')] }), 'NOT_SUPPORTED', /full is not given to apps/);
  await helpfulRefusal(run({ devices: [`${at('dri')}x`] }), 'NOT_SUPPORTED', /drix is not given to apps/);
  await helpfulRefusal(run({ groups: ['disk'] }), 'NOT_SUPPORTED', /disk is not given to apps/);
  await helpfulRefusal(run({ devices: [at('dri/card7')] }), 'INVALID_ARGUMENT', /card7 is no device node/);
  const unknown = run({ devices: [at('gpu0')], groups: ['nobody-has-it'] });
  await helpfulRefusal(unknown, 'INVALID_ARGUMENT', /nobody-has-it is no group/);
});

test("an app of RDK's words has the GPU and the decoder of the device, and none of what is not there", async () => {
  await using device = await start((at) => ({
    gpu: { devNodes: [at('dri'), '/dev/mali99'], groupIds: [VIDEO.name, 'nobody-has-it'] },
    vpu: { devNodes: [at('gpu0')], groupIds: [VIDEO.name] },
  }));
  const { daemon, at } = device;
  const { client } = daemon;
  const run = async (appType: string): Promise<string> => {
    const id = uniqueId('rdk');
    mkdirSync(at(id), { mode: 0o755 });
    const words = [...reader(at('gpu0'), at('dri/card0'))].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    writeFileSync(at(`${id}/app`), `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 });
    const runtimeConfigObject = { command: 'app', appPath: at(id), appType, systemMemoryLimit: 64 * 2 ** 20 };
    await client.run({ appId: id, appInstanceId: id, runtimeConfigObject });
    await untilSays(client, id, 'done 1');
    return id;
  };
  const id = await run('INTERACTIVE');
  assert.deepEqual((await outputOf(client, id)).slice(0, 2), [`${at('gpu0')} 00000000`, `${at('dri/card0')} 00000000`]);
  const { notes } = await client.getInfo({ appInstanceId: id });
  assert(notes.includes('device /dev/mali99 is not on this machine'), notes.join('; '));
  assert(notes.includes('group nobody-has-it is not on this machine'), notes.join('; '));
  const system = await run('SYSTEM');
  assert.deepEqual((await outputOf(client, system)).slice(0, 2), [
    `${at('gpu0')} No such file or directory`,
    `${at('dri/card0')} 00000000`,
  ]);
});
