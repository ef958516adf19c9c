/** What Dobby can do for an app besides its life, and what it is told of one. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { dobbyId } from '../../src/adapters/dobby/ids.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import { pidOf, runApp, SLEEP } from '../lib/apps.ts';
import { dobbyHouse } from '../lib/engines.ts';
import { freePort } from '../lib/free-port.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

test('exec, mount and annotations are what Dobby can make of them', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = await runApp(client, 'abilities', SLEEP, { env: { OWN: 'app', GIVEN: 'app', SAID: 'two words' } });
  const result = await client.exec({ appInstanceId: id, args: ['/bin/sleep', '0.2'] });
  assert.equal(result.exitCode, null);
  assert.deepEqual(dobby.execOptions, ['']);
  await client.exec({ appInstanceId: id, args: ['/bin/true'], env: { GIVEN: 'exec' }, cwd: '/tmp' });
  // crun takes all of the app's variables away as soon as one is given
  assert.match(dobby.execOptions[1] ?? '', /--env PATH=.*--env OWN=app.*--env GIVEN=exec --cwd \/tmp$/);
  assert.doesNotMatch(dobby.execOptions[1] ?? '', /GIVEN=app|two/);
  await helpfulRefusal(
    client.exec({ appInstanceId: id, args: ['/bin/echo', 'two words'] }),
    'NOT_SUPPORTED',
    /two words/,
  );
  const [source, readWrite, readOnly] = ['source', 'rw', 'ro'].map((name) => `${daemon.directory}/${name}`);
  assert(source !== undefined && readWrite !== undefined && readOnly !== undefined);
  await mkdir(source);
  await client.mount({ appInstanceId: id, source, destination: readWrite });
  const pid = await pidOf(client, id);
  assert(readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${readWrite} `));
  await client.unmount({ appInstanceId: id, destination: readWrite });
  // this Dobby says that it is mounted, and it can be written
  const wish = { appInstanceId: id, source, destination: readOnly, readOnly: true };
  await helpfulRefusal(client.mount(wish), 'NOT_SUPPORTED', /read-only/);
  assert(!readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${readOnly} `));
  dobby.faults.ignoresReadOnly = false;
  await client.mount(wish);
  await client.annotate({ appInstanceId: id, key: 'owner', value: 'me' });
  const wanted = JSON.stringify({ owner: 'me' });
  await until(() => JSON.stringify(dobby.annotationsOf(id)) === wanted, { what: 'Dobby shows the annotation' });
  await helpfulRefusal(client.setLimits({ appInstanceId: id, pids: 50 }), 'NOT_SUPPORTED', /limits/);
  await client.kill({ appInstanceId: id });
  // not of its tools: it hibernates by memcr
  const { problems } = await client.getHealth();
  assert(!problems.some(({ code }) => code === 'NO_CRIU'));
  assert.deepEqual(dobby.wire.strange, []);
});

test('a bundle is told to Dobby as it needs it', async () => {
  await using house = await dobbyHouse();
  const id = await runApp(house.daemon.client, 'told', SLEEP);
  const told = house.dobby.configOf(id);
  assert.equal(told?.ociVersion, '1.0.2-dobby');
  assert(told.linux?.resources !== undefined && !('cgroupsPath' in told.linux));
  assert.equal(
    told.rdkPlugins?.logging?.data?.fileOptions?.path,
    (await house.daemon.client.getInfo({ appInstanceId: id })).logFile,
  );
  await house.daemon.client.kill({ appInstanceId: id });
});

test('an app with the network nat has a file with name servers, and Dobby joins it to the network', async () => {
  await using house = await dobbyHouse({}, { config: { network: { nameservers: ['192.0.2.53'] } } });
  const { daemon, dobby } = house;
  const port = await freePort();
  const ports = [{ host: port, app: port }];
  // longer than a host name may be, which Dobby makes of its own name for it
  const id = await runApp(daemon.client, `joined-${'x'.repeat(70)}`, SLEEP, { network: 'nat', ports });
  const name = dobbyId(containerIdFor(appInstanceId(id)));
  const mounts = (dobby.configOf(name)?.mounts ?? []).filter(({ destination }) => destination === '/etc/resolv.conf');
  assert.equal(mounts.length, 1);
  const [file = ''] = mounts.map(({ source }) => source);
  assert.equal(readFileSync(file, 'utf8'), 'nameserver 192.0.2.53\n');
  const { type, portForwarding } = dobby.configOf(name)?.rdkPlugins?.networking?.data ?? {};
  assert.equal(type, 'nat');
  assert.deepEqual(portForwarding, { hostToContainer: [{ port, protocol: 'tcp' }] });
  // apps that live have it from the daemon before; so has the next one
  await daemon.kill9();
  await daemon.start();
  assert(existsSync(file));
  await daemon.client.kill({ appInstanceId: id });
  await daemon.stop();
  assert(!existsSync(file));
});

test('from specs: an app that wants a Thunder that is not there is refused by name, before Dobby is asked', async () => {
  await using house = await dobbyHouse({ start: 'spec' });
  const { daemon, dobby } = house;
  const run = daemon.client.run({
    appId: 'com.example.thunder',
    appInstanceId: 'thunder',
    runtimeConfigObject: { thunder: true, appPath: daemon.directory, command: '/bin/true', systemMemoryLimit: 2 ** 26 },
  });
  await helpfulRefusal(run, 'NEIGHBOUR_FAILED', /thunder: \/tmp\/communicator is not there/);
  assert(!dobby.wire.called.includes('StartFromSpec'));
});
