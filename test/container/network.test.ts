/** Networks of apps, in network namespaces of the tests' own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AppInput } from '../../src/client/node.ts';
import { exitOf, outputOf, perl, runApp, shell, SLEEP } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { answer, makeNets, serverArgs, type Nets } from '../lib/nets.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

type Extra = Partial<AppInput>;

/** All that an app printed until it ended. */
async function finalOutput({ client }: TestDaemon, id: string): Promise<string> {
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

const within = ({ machine }: Nets, config: object = {}) => startDaemon({ within: machine.within, config });
const publish = (host: number, app = 8080): Extra => ({ network: 'nat', ports: [{ host, app }] });
const anchorOf = (daemon: TestDaemon): string => `rm-${daemon.tag}`;

const forwardingOf = ({ machine }: Nets): string => machine.run('cat', '/proc/sys/net/ipv4/conf/up0/forwarding').trim();

test('an app in nat is reached at its published port and reaches the world, which sees the machine', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const { machine, world } = nets;
  const id = await runApp(daemon.client, 'web', serverArgs(8080, 'web'), publish(8001));
  const { network } = await daemon.client.getInfo({ appInstanceId: id });
  assert.match(network.address ?? '', /^10\.210\.\d+\.2$/);
  assert.deepEqual(network.ports, [{ host: 8001, app: 8080, protocol: 'tcp' }]);

  assert.match(await answer(world, '198.51.100.2', 8001), /^web \d+ 198\.51\.100\.1$/);
  assert.match(await answer(machine, '127.0.0.1', 8001), /^web \d+ 10\.210\.\d+\.1$/);
  assert.match(await answer(machine, '198.51.100.2', 8001), /^web \d+ 10\.210\.\d+\.1$/);

  using server = world.serve(7000, 'world');
  assert(server.pid > 0);
  await answer(world, '203.0.113.1', 7000);
  const asking = `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("203.0.113.1:7000") or die $!; print $s "x\\n"; print <$s>'`;
  const visitor = await runApp(daemon.client, 'visitor', shell(asking), { network: 'nat' });
  assert.match(await finalOutput(daemon, visitor), /^world \d+ 198\.51\.100\.2$/m);
});

test('an app in nat has the name servers of the machine, but those that it cannot reach', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets, { network: { nameservers: ['203.0.113.53'] } });
  const id = await runApp(daemon.client, 'names', shell('cat /etc/resolv.conf'), { network: 'nat' });
  assert.match(await finalOutput(daemon, id), /^nameserver 203\.0\.113\.53$/m);
});

/** Each name as the C library finds it, a line. */
const lookUp = (...names: readonly string[]): readonly string[] => [
  ...perl('for (@ARGV) { my $a = gethostbyname $_; print "$_ ", $a ? join(".", unpack "C4", $a) : "unknown", "\\n" }'),
  ...names,
];

test('an app in nat looks up names at the name servers that it was given, also after a wake', async () => {
  await using nets = await makeNets();
  using _names = await nets.world.serveNames('203.0.113.1', {
    ...{ 'clock.example.test': '192.0.2.7', 'radio.example.test': '192.0.2.8' },
  });
  await using daemon = await within(nets, { network: { nameservers: ['203.0.113.1'] } });
  const { client } = daemon;
  const names = ['clock.example.test', 'radio.example.test', 'nobody.example.test'];
  const expected = 'clock.example.test 192.0.2.7\nradio.example.test 192.0.2.8\nnobody.example.test unknown';
  const visitor = await runApp(client, 'names', lookUp(...names), { network: 'nat' });
  assert.equal(await finalOutput(daemon, visitor), expected);
  const sleeper = await runApp(client, 'sleeper', SLEEP, { network: 'nat' });
  await client.hibernate({ appInstanceId: sleeper });
  await client.wake({ appInstanceId: sleeper });
  const { stdout } = await client.exec({ appInstanceId: sleeper, args: [...lookUp(...names)] });
  assert.equal(stdout.trim(), expected);
  const without = await runApp(client, 'deaf', lookUp('clock.example.test'));
  assert.equal(await finalOutput(daemon, without), 'clock.example.test unknown');
});

test('an app in nat has IPv4 only', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const script = 'cat /proc/net/if_inet6 2>/dev/null; echo end';
  const id = await runApp(daemon.client, 'four', shell(script), { network: 'nat' });
  assert.doesNotMatch(await finalOutput(daemon, id), /eth0/);
});

test('apps reach neither each other nor the machine but by published ports', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const { machine } = nets;
  using local = machine.serve(7001, 'local');
  assert(local.pid > 0);
  const id = await runApp(daemon.client, 'server', serverArgs(8080, 'server'), publish(8002));
  const { network } = await daemon.client.getInfo({ appInstanceId: id });
  await Promise.all([answer(machine, '127.0.0.1', 7001), answer(machine, '127.0.0.1', 8002)]);
  const places = [
    `${network.address ?? ''}:8080`,
    `${network.gateway ?? ''}:7001`,
    '198.51.100.2:7001',
    '198.51.100.2:8002',
  ];
  const asking = `perl -MIO::Socket::INET -e 'for (@ARGV) { $s = IO::Socket::INET->new(PeerAddr => $_, Timeout => 3); print "$_ ", $s ? "reached" : "refused", "\\n" }' ${places.join(' ')}`;
  const visitor = await runApp(daemon.client, 'visitor', shell(asking), { network: 'nat' });
  const output = await finalOutput(daemon, visitor);
  const reached = places.filter((place) => output.includes(`${place} reached`));
  assert.deepEqual(reached, ['198.51.100.2:8002'], output);
});

test('it is at the same address after a wake, and its port is refused while it sleeps', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const { machine, world } = nets;
  const { client } = daemon;
  const id = await runApp(client, 'sleeper', serverArgs(8080, 'sleeper'), publish(8003));
  await answer(world, '198.51.100.2', 8003);
  const seen = async () => {
    const { network, pid } = await client.getInfo({ appInstanceId: id });
    const own = machine.run('nsenter', '--target', String(pid), '--net', 'ip', '-oneline', 'address', 'show', 'eth0');
    return { network, address: /inet (\S+)/.exec(own)?.[1], link: hardwareOf(machine, pid ?? 0) };
  };
  const before = await seen();
  for (const round of [1, 2]) {
    const visits = Number((await answer(world, '198.51.100.2', 8003)).split(' ')[1]);
    await client.hibernate({ appInstanceId: id });
    await until(() => world.ask('198.51.100.2', 8003).startsWith('error: Connection refused'), {
      what: `nobody answers while it sleeps (${round})`,
    });
    assert.deepEqual((await client.getInfo({ appInstanceId: id })).network, before.network);
    await refusal(runApp(client, 'other', SLEEP, publish(8003)), 'PORT_TAKEN');
    await client.wake({ appInstanceId: id });
    assert.equal((await answer(world, '198.51.100.2', 8003)).split(' ')[1], String(visits + 1));
    assert.deepEqual(await seen(), before);
  }
});

const hardwareOf = (machine: Nets['machine'], pid: number): string =>
  /link\/ether (\S+)/.exec(
    machine.run('nsenter', '--target', String(pid), '--net', 'ip', 'link', 'show', 'eth0'),
  )?.[1] ?? '';

test('a port that is taken is refused with the name of its owner, and nothing is held', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  await using second = await within(nets);
  const { machine } = nets;
  const { client } = daemon;
  const first = await runApp(client, 'first', SLEEP, publish(8004));
  const taken = (app: Promise<string>, owner: RegExp) => helpfulRefusal(app, 'PORT_TAKEN', owner);
  await taken(
    runApp(client, 'next', SLEEP, publish(8004)),
    new RegExp(`8004/tcp belongs to the app instance ${first}`),
  );

  const ours = new RegExp(`another Runtime Manager .*${anchorOf(daemon)}`);
  await taken(runApp(second.client, 'other', SLEEP, publish(8004)), ours);

  using process = machine.serve(8005, 'foreign');
  await answer(machine, '127.0.0.1', 8005);
  const foreign = new RegExp(`the process perl .pid ${process.pid}\\b`);
  await taken(runApp(client, 'next', SLEEP, publish(8005)), foreign);

  await client.kill({ appInstanceId: first });
  await runApp(client, 'next', SLEEP, publish(8004));
  // both at once: one of them gets it
  const both = await Promise.allSettled(['a', 'b'].map((name) => runApp(client, name, SLEEP, publish(8006))));
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('what was made goes with the last daemon: interfaces, rules and the setting of the uplink', async () => {
  await using nets = await makeNets();
  const { machine } = nets;
  const before = { interfaces: machine.interfaces(), rules: machine.rules(), forwarding: forwardingOf(nets) };
  assert.equal(before.forwarding, '0');
  {
    await using one = await within(nets);
    await using other = await within(nets);
    await runApp(one.client, 'a', serverArgs(8080, 'a'), publish(8007));
    await runApp(other.client, 'b', serverArgs(8080, 'b'), publish(8008));
    assert.match(await answer(nets.world, '198.51.100.2', 8007), /^a /);
    assert.match(await answer(nets.world, '198.51.100.2', 8008), /^b /);
    assert.equal(forwardingOf(nets), '1');
    assert(machine.interfaces().includes(anchorOf(one)) && machine.interfaces().includes(anchorOf(other)));
  }
  await until(() => forwardingOf(nets) === '0', { what: 'the setting is as before' });
  const after = { interfaces: machine.interfaces(), rules: machine.rules(), forwarding: forwardingOf(nets) };
  assert.deepEqual(after, before);
});

test('a killed daemon takes no app off the network; the next one gives back what has ended meanwhile', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const { machine, world } = nets;
  const stays = await runApp(daemon.client, 'stays', serverArgs(8080, 'stays'), publish(8009));
  const goes = await runApp(daemon.client, 'goes', serverArgs(8080, 'goes'), publish(8010));
  const { pid } = await daemon.client.getInfo({ appInstanceId: goes });
  await Promise.all([8009, 8010].map((port) => answer(world, '198.51.100.2', port)));
  await daemon.kill9();
  assert.match(world.ask('198.51.100.2', 8009), /^stays /);
  process.kill(pid ?? 0, 'SIGKILL');
  await daemon.start();
  assert.match(world.ask('198.51.100.2', 8009), /^stays /);
  await until(() => !machine.rules().includes('. 8010 :'), { what: 'the port of the ended app is not published' });
  const next = await runApp(daemon.client, 'next', serverArgs(8080, 'next'), publish(8010));
  assert.match(await answer(world, '198.51.100.2', 8010), /^next /);

  await daemon.kill9();
  await daemon.start();
  for (const id of [stays, next]) await daemon.client.kill({ appInstanceId: id });
  await daemon.kill9();
  assert(machine.interfaces().includes(anchorOf(daemon)));
  await daemon.start();
  assert(!machine.interfaces().includes(anchorOf(daemon)), 'a network that no app needs is swept');
  assert(!machine.rules().includes(anchorOf(daemon)), 'and so are its rules');
  await until(() => forwardingOf(nets) === '0', { what: 'the setting is as before' });
});

test("the machine's own network is for apps only where the configuration allows it", async () => {
  await using nets = await makeNets();
  await using strict = await within(nets);
  const refused = await refusal(runApp(strict.client, 'host', SLEEP, { network: 'host' }), 'NOT_SUPPORTED');
  assert.match(refused.next ?? '', /network\.allowHost/);

  await using daemon = await within(nets, { network: { allowHost: true } });
  const id = await runApp(daemon.client, 'host', shell('cat /proc/net/dev; ls /sys/class/net; touch /sys/x'), {
    network: 'host',
  });
  const output = await finalOutput(daemon, id);
  assert.match(output, /^ *up0:/m);
  assert.match(output, /Read-only file system/);
  await refusal(
    runApp(daemon.client, 'both', SLEEP, { network: 'host', ports: [{ host: 1, app: 1 }] }),
    'INVALID_ARGUMENT',
  );
});

test('a subnet that the machine has a route to is not taken, and the error names the route', async () => {
  await using nets = await makeNets();
  const { machine } = nets;
  machine.run('ip', 'route', 'add', '10.9.0.0/25', 'via', '198.51.100.1');
  await using daemon = await within(nets, { network: { range: '10.9.0.0/23' } });
  const id = await runApp(daemon.client, 'free', SLEEP, { network: 'nat' });
  assert.equal((await daemon.client.getInfo({ appInstanceId: id })).network.address, '10.9.1.2');
  await using full = await within(nets, { network: { range: '10.9.0.0/24' } });
  await helpfulRefusal(
    runApp(full.client, 'none', SLEEP, { network: 'nat' }),
    'NETWORK_FAILED',
    /10\.9\.0\.0\/25 at up0/,
  );
});

test('a start that fails leaves no address, port or rule behind', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const { client } = daemon;
  await runApp(client, 'one', SLEEP, publish(8011));
  const before = nets.machine.rules();
  await refusal(runApp(client, 'bad', ['/no/such/program'], publish(8012)), 'COMMAND_NOT_FOUND');
  // takes what it needs, and then fails in the runtime
  await refusal(runApp(client, 'worse', SLEEP, { ...publish(8012), limits: { openFiles: 1_048_576 } }), 'START_FAILED');
  assert.equal(nets.machine.rules(), before);
  const ok = await runApp(client, 'good', SLEEP, publish(8012));
  assert.match(
    readFileSync(`/proc/${(await client.getInfo({ appInstanceId: ok })).pid ?? ''}/net/dev`, 'utf8'),
    /eth0/,
  );
});
