/** Where apps may connect to, and at which address they are reached, in network namespaces of the tests' own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppInput } from '../../src/client/node.ts';
import { exitOf, outputOf, runApp, shell, SLEEP } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { answer, makeNets, serverArgs, type Nets } from '../lib/nets.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

type Extra = Partial<AppInput>;

async function finalOutput({ client }: TestDaemon, id: string): Promise<string> {
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

const within = ({ machine }: Nets, config: object = {}) => startDaemon({ within: machine.within, config });
const publish = (host: number): Extra => ({ network: 'nat', ports: [{ host, app: 8080 }] });

/** Which of these places the app could open a connection to. */
async function reachedFrom(daemon: TestDaemon, places: readonly string[]): Promise<readonly string[]> {
  const asking = `perl -MIO::Socket::INET -e 'for (@ARGV) { $s = IO::Socket::INET->new(PeerAddr => $_, Timeout => 3); print "$_ ", $s ? "reached" : "refused", "\\n" }' ${places.join(' ')}`;
  const output = await finalOutput(daemon, await runApp(daemon.client, 'visitor', shell(asking), { network: 'nat' }));
  return places.filter((place) => output.includes(`${place} reached`));
}

test('an app in nat reaches no metadata service and no network that is denied, but answers who comes from there', async () => {
  await using nets = await makeNets();
  const { world } = nets;
  // on the loopback interface of the world: not every kernel has dummy ones
  world.run('ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo');
  using server = world.serve(7003, 'metadata');
  assert(server.pid > 0);
  await answer(nets.machine, '169.254.169.254', 7003);
  const places = ['169.254.169.254:7003', '203.0.113.1:7003', '198.51.100.1:7003'];
  {
    await using daemon = await within(nets);
    assert.deepEqual(await reachedFrom(daemon, places), places.slice(1));
  }
  {
    await using daemon = await within(nets, { network: { deny: [] } });
    assert.deepEqual(await reachedFrom(daemon, places), places);
  }
  const network = { deny: ['169.254.0.0/16', '198.51.100.0/24', '203.0.113.0/24'], allow: ['203.0.113.1'] };
  await using daemon = await within(nets, { network });
  assert.deepEqual(await reachedFrom(daemon, places), ['203.0.113.1:7003']);
  await runApp(daemon.client, 'web', serverArgs(8080, 'web'), publish(8013));
  assert.match(await answer(world, '198.51.100.2', 8013), /^web \d+ 198\.51\.100\.1$/);
  // somebody flushes all rules of the machine: the next change makes them anew, with the policy
  nets.machine.run('nft', 'flush', 'ruleset');
  await runApp(daemon.client, 'more', serverArgs(8080, 'more'), publish(8014));
  assert.deepEqual(await reachedFrom(daemon, places), ['203.0.113.1:7003']);
});

test('a port is published at the address that it names, over a sleep and a restart, or at that of the configuration', async () => {
  await using nets = await makeNets();
  const { machine, world } = nets;
  machine.run('ip', 'address', 'add', '198.51.100.3/24', 'dev', 'up0');
  await using daemon = await within(nets, { network: { publishAddress: '127.0.0.1' } });
  const { client } = daemon;
  const at = (host: number, address?: string): Extra => ({
    network: 'nat',
    ports: [{ host, app: 8080, ...(address !== undefined && { address }) }],
  });
  const id = await runApp(client, 'local', serverArgs(8080, 'local'), at(8015));
  await runApp(client, 'placed', serverArgs(8080, 'placed'), at(8016, '198.51.100.3'));
  await runApp(client, 'all', serverArgs(8080, 'all'), at(8017, '0.0.0.0'));
  assert.deepEqual((await client.getInfo({ appInstanceId: id })).network.ports, [
    { host: 8015, app: 8080, protocol: 'tcp', address: '127.0.0.1' },
  ]);
  const look = async () => {
    assert.match(await answer(machine, '127.0.0.1', 8015), /^local /);
    assert.match(world.ask('198.51.100.2', 8015), /^error/);
    assert.match(await answer(world, '198.51.100.3', 8016), /^placed /);
    assert.match(world.ask('198.51.100.2', 8016), /^error/);
    assert.match(await answer(world, '198.51.100.2', 8017), /^all /);
  };
  await look();
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  await daemon.kill9();
  await daemon.start();
  await look();
  await helpfulRefusal(
    runApp(daemon.client, 'away', SLEEP, at(8018, '192.0.2.9')),
    'INVALID_ARGUMENT',
    /192\.0\.2\.9:8018 cannot be published: no interface/,
  );
  await using second = await within(nets);
  await helpfulRefusal(runApp(second.client, 'other', SLEEP, publish(8016)), 'PORT_TAKEN', /another Runtime Manager/);
});
