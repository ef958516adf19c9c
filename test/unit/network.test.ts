import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { uplinks } from '../../src/adapters/network/forwarding.ts';
import { publishedElsewhere } from '../../src/adapters/network/listeners.ts';
import { resolverText, writeResolver } from '../../src/adapters/network/resolver.ts';
import { tableText } from '../../src/adapters/network/rules.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { appInstanceId } from '../../src/domain/ids.ts';
import {
  appSubnets,
  formatAddress,
  formatSubnet,
  overlap,
  parseAddress,
  parseSubnet,
  type PublishedPort,
  type Subnet,
} from '../../src/domain/network.ts';
import { NetworkLeases } from '../../src/manager/network-leases.ts';
import { appSchema } from '../../src/domain/app.ts';
import { Origins } from '../../src/spec/origins.ts';
import { mounts } from '../../src/spec/mounts.ts';
import { namespaces } from '../../src/spec/namespaces.ts';
import type { Networks } from '../../src/ports/networks.ts';

const subnet = (text: string): Subnet => parseSubnet(text) ?? assert.fail(text);
const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('IPv4 arithmetic', () => {
  test('an address is read as it is written', () => {
    fc.assert(fc.property(address, (number) => parseAddress(formatAddress(number)) === number));
    for (const wrong of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', '1.2.3.x', '-1.2.3.4', '::1', '0x1.2.3.4']) {
      assert.equal(parseAddress(wrong), undefined, wrong);
    }
    for (const wrong of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'default']) {
      assert.equal(parseSubnet(wrong), undefined, wrong);
    }
  });

  test('two subnets overlap exactly when one holds an address of the other', () => {
    const any = fc.record({ base: address, prefix: fc.integer({ min: 0, max: 32 }) });
    fc.assert(
      fc.property(any, any, (one, other) => {
        const [a, b] = [subnet(formatSubnet(one)), subnet(formatSubnet(other))];
        const holds = (big: Subnet, base: number) =>
          formatSubnet(subnet(`${formatAddress(base)}/${big.prefix}`)) === formatSubnet(big);
        assert.equal(overlap(a, b), holds(a, b.base) || holds(b, a.base));
      }),
    );
  });

  test("a range's subnets are all different and lie in it, wherever one begins", () => {
    const range = subnet('10.210.0.0/20');
    const all = appSubnets(range, 123_456);
    assert.equal(new Set(all.map(formatSubnet)).size, 16);
    assert(all.every((one) => overlap(one, range)));
    assert.deepEqual(appSubnets(subnet('10.1.2.0/24'), 7).map(formatSubnet), ['10.1.2.0/24']);
  });
});

test("in the machine's own network an app has no namespace, and the machine's /sys instead of one of its own", () => {
  assert(!namespaces('host').some(({ type }) => type === 'network'));
  assert(namespaces('nat').some(({ type }) => type === 'network'));
  const made = mounts({
    app: appSchema.parse({ rootfs: { host: true }, network: 'host' }),
    rootfs: { binds: [], bundle: null },
    display: null,
    storage: '/s',
    inside: '/i',
    identity: { uid: 1, gid: 1 },
    said: new Origins(),
    trace: new Origins(),
  });
  const sys = made.filter(({ destination }) => destination === '/sys');
  assert.deepEqual(
    sys.map(({ type, source }) => [type, source]),
    [['bind', '/sys']],
  );
  assert(sys[0]?.options.includes('rro'));
});

test('uplinks are the interfaces with a default route, once each', () => {
  const row = (name: string, destination: string, mask: string): string =>
    [name, destination, '0102A8C0', '0003', '0', '0', '0', mask, '0', '0', '0'].join('\t');
  const text = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    row('eth0', '00000000', '00000000'),
    row('eth0', '00000000', '00000000'),
    row('wlan0', '00000000', '00000000'),
    row('eth1', '0002A8C0', '00FFFFFF'),
    row('tun0', '00000000', '00000080'),
    '',
  ].join('\n');
  assert.deepEqual(uplinks(text), ['eth0', 'wlan0']);
});

test('apps get the name servers that they can reach', () => {
  const text =
    '# ours\nnameserver 127.0.0.53\nnameserver ::1\nnameserver fd00::1\nnameserver 10.0.0.1\nsearch home lan\nnonsense\n';
  assert.equal(resolverText(text, []), 'nameserver 10.0.0.1\nsearch home lan\n');
  assert.equal(resolverText(text, ['9.9.9.9']), 'nameserver 9.9.9.9\nsearch home lan\n');
  assert.equal(resolverText('', []), '');
});

test('where the machine has name servers at its loopback only, apps get the one of last resort', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-resolver-'));
  const file = join(directory, 'resolv.conf');
  try {
    const source = join(directory, 'source');
    await writeFile(source, 'nameserver 127.0.0.1\nsearch lan\n');
    await writeResolver(file, { servers: [], lastResort: '100.64.11.1' }, [source]);
    assert.equal(await readFile(file, 'utf8'), 'nameserver 100.64.11.1\nsearch lan\n');
    await writeFile(source, 'nameserver 10.0.0.1\n');
    await writeResolver(file, { servers: [], lastResort: '100.64.11.1' }, [source]);
    assert.equal(await readFile(file, 'utf8'), 'nameserver 10.0.0.1\n');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("another daemon's published port is found in nft's own words, and nothing else is", () => {
  const map = (table: string, name: string) => ({
    map: { family: 'ip', name, table, elem: [[{ concat: ['tcp', 80] }, { concat: ['10.1.1.2', 8080] }]] },
  });
  const json = JSON.stringify({ nftables: [{ metainfo: {} }, map('rm-a', 'ports'), map('rm-b', 'else')] });
  const ports: readonly PublishedPort[] = [
    { host: 80, app: 1, protocol: 'tcp' },
    { host: 80, app: 1, protocol: 'udp' },
  ];
  const found = publishedElsewhere(json, ports, () => true);
  assert.deepEqual(
    found.map(({ port }) => port),
    [ports[0]],
  );
  assert.deepEqual(
    publishedElsewhere(json, ports, () => false),
    [],
  );
});

test('the rules name every published port once, whatever the root directory is called', () => {
  const lease = { address: '10.1.1.2', gateway: '10.1.1.1', prefix: 24 };
  const ports = [{ host: 80, app: 8080, protocol: 'tcp' }] as const;
  const rules = tableText({
    name: 'rm-a',
    cables: 'rma.*',
    subnet: subnet('10.1.1.0/24'),
    leases: [{ ...lease, ports: [...ports, { ...ports[0], address: '127.0.0.1' }] }],
    owner: '/x',
    ...{ deny: [subnet('169.254.0.0/16')], allow: [] },
  });
  assert.match(rules, /elements = \{ 127\.0\.0\.1 \. tcp \. 80 : 10\.1\.1\.2 \. 8080 \}/);
  assert.match(rules, /ct direction original ct original ip daddr \{ 169\.254\.0\.0\/16 \} reject/);
  assert.match(rules, /elements = \{ tcp \. 80 : 10\.1\.1\.2 \. 8080 \}/);
});

/** A machine that can all and does nothing. */
function machine(prefix = '10.5.5.0/24', makesNetworks = false) {
  const calls: string[] = [];
  const done = (..._: unknown[]): Promise<void> => Promise.resolve();
  const networks: Networks = {
    ready: () => Promise.resolve(subnet(prefix)),
    portOwners: () => Promise.resolve([]),
    isOwnAddress: (address) => address !== '192.0.2.1',
    publish: done,
    withdraw: done,
    restore: done,
    rest: () => void calls.push('rest'),
    attachmentOf: () => ({ hostInterface: '', hardwareAddress: '', address: '', gateway: '' }),
    resolverFor: () => null,
    resolve: () => done(calls.push('resolve')),
    close: (inUse) => done(calls.push(inUse ? 'close, in use' : 'close')),
  };
  return { calls, leases: new NetworkLeases({ networks, allowHost: false, makesNetworks }) };
}

const wait = { signal: new AbortController().signal, timeoutMs: 1000 };
const wish = (name: string, ...hosts: readonly number[]) => ({
  appInstanceId: appInstanceId(name),
  app: { network: 'nat' as const, ports: hosts.map((host) => ({ host, app: 1, protocol: 'tcp' as const })) },
});
const code = (wanted: string) => (error: unknown) => error instanceof RuntimeError && error.code === wanted;

describe('leases of addresses and ports', () => {
  test('no two apps have one address, and an address is not used again at once', async () => {
    const { leases } = machine();
    const [a, b] = [await leases.lease(wish('a'), wait), await leases.lease(wish('b'), wait)];
    assert.deepEqual([a?.address, b?.address, a?.gateway], ['10.5.5.2', '10.5.5.3', '10.5.5.1']);
    leases.giveBack({ appInstanceId: appInstanceId('a'), network: a });
    assert.equal((await leases.lease(wish('c'), wait))?.address, '10.5.5.4');
  });

  test('a subnet has 253 apps; the next is refused, and comes in when one goes', async () => {
    const { leases } = machine();
    const all = await Promise.all(Array.from({ length: 253 }, (_, i) => leases.lease(wish(`a${i}`), wait)));
    assert.equal(new Set(all.map((lease) => lease?.address)).size, 253);
    await assert.rejects(leases.lease(wish('more', 80), wait), code('NETWORK_FAILED'));
    leases.giveBack({ appInstanceId: appInstanceId('a7'), network: all[7] ?? null });
    assert.equal((await leases.lease(wish('more', 80), wait))?.address, all[7]?.address);
  });

  test('a port belongs to one app until that gives it back; what is refused holds nothing', async () => {
    const { leases, calls } = machine();
    const first = await leases.lease(wish('first', 80, 81), wait);
    await assert.rejects(leases.lease(wish('second', 82, 81), wait), code('PORT_TAKEN'));
    const third = await leases.lease(wish('third', 82), wait);
    await assert.rejects(leases.lease(wish('twice', 83, 83), wait), code('INVALID_ARGUMENT'));
    for (const network of [first, third]) leases.giveBack({ appInstanceId: appInstanceId('a'), network });
    assert.deepEqual(calls, ['rest']);
    await leases.lease(wish('second', 80, 81, 82, 83), wait);
  });

  test('after a restart what an app had is its own again', async () => {
    const { leases } = machine();
    const { appInstanceId: id, app } = wish('old', 80);
    leases.adopt({
      appInstanceId: id,
      app: appSchema.parse({ args: ['/bin/true'], rootfs: { host: true }, network: 'nat' }),
      network: { address: '10.5.5.2', gateway: '10.5.5.1', prefix: 24, ports: app.ports },
    });
    await assert.rejects(leases.lease(wish('new', 80), wait), code('PORT_TAKEN'));
    assert.equal((await leases.lease(wish('new'), wait))?.address, '10.5.5.3');
  });

  test('apps that the engine joins to a network have the file with the name servers as long as one of them is there', async () => {
    const { leases, calls } = machine('10.5.5.0/24', true);
    const [one, two] = [wish('one'), wish('two')];
    assert.equal(await leases.lease(one, wait), null);
    const app = appSchema.parse({ args: ['/bin/true'], rootfs: { host: true }, network: 'nat' });
    leases.adopt({ appInstanceId: two.appInstanceId, app, network: null });
    await leases.restore([], { held: [], ...wait });
    assert.deepEqual(calls, ['resolve', 'resolve']);
    leases.giveBack({ appInstanceId: one.appInstanceId, network: null });
    await leases.close();
    leases.giveBack({ appInstanceId: two.appInstanceId, network: null });
    await leases.close();
    assert.deepEqual(calls.slice(2), ['close, in use', 'rest', 'close']);
  });
});
