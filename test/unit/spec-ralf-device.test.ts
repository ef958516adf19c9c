/** What upstream's open changes give RALF apps of the device: time zone, THUNDER_ACCESS, network services. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { platformOf } from '../../src/spec/platform/platform.ts';
import { platformSchema } from '../../src/spec/platform/schema.ts';
import { fromRuntimeConfig } from '../../src/spec/from-runtime-config.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { manifestSchema } from '../../src/spec/ralf/schema.ts';
import { portsOf, servicesOf } from '../../src/spec/ralf/services.ts';
import { RALF } from '../lib/ralf-apps.ts';

type Asked = {
  readonly manifest?: object;
  readonly capabilities?: string;
  readonly platform?: object;
  readonly present?: readonly string[];
  readonly thunderAccess?: string;
  readonly isDobby?: true;
};

function made({ manifest = {}, capabilities = '', platform = {}, present = [], thunderAccess, isDobby }: Asked) {
  const one = manifestSchema.parse({ packageType: 'application', entryPoint: '/x', ...manifest });
  const ralf = { ...RALF, packages: [{ mount: '/mount', metadata: '/manifest', manifest: one }] };
  return fromRuntimeConfig(
    { runtimeConfig: runtimeConfigSchema.parse({ ralfPkgPath: RALF.list, capabilities }) },
    {
      ...{ appId: 'app', platform: platformOf(platformSchema.parse(platform)), present: new Set(present), ralf },
      ...(thunderAccess !== undefined && { thunderAccess }),
      ...(isDobby === undefined && { exportAddress: '127.0.0.1' }),
    },
  );
}

test('the time zone is mounted read-only where the device has it, from upstream’s places or those of the platform', () => {
  const all = ['/usr/share/zoneinfo', '/opt/persistent/localtime', '/opt/persistent/timeZoneDST'];
  assert.deepEqual(made({ present: all }).app.mounts, [
    { source: '/usr/share/zoneinfo', destination: '/usr/share/zoneinfo', readOnly: true },
    { source: '/opt/persistent/localtime', destination: '/etc/localtime', readOnly: true },
    { source: '/opt/persistent/timeZoneDST', destination: '/etc/timezone', readOnly: true },
  ]);
  assert.deepEqual(made({}).app.mounts, []);
  const platform = { ralf: { localtime: '/etc/localtime' } };
  const { app, origins } = made({ platform, present: ['/etc/localtime'] });
  assert.deepEqual(app.mounts, [{ source: '/etc/localtime', destination: '/etc/localtime', readOnly: true }]);
  assert.equal(origins.of('mounts[/etc/localtime]').layer, 'platform');
});

const THUNDER = 'urn:rdk:permission:thunder';

test('THUNDER_ACCESS is for apps with the permission, by the package or the capabilities, and only where the device says it', () => {
  const thunderAccess = '127.0.0.1:9998';
  const may = { manifest: { permissions: [THUNDER] } };
  assert.equal(made({ thunderAccess, ...may }).app.env['THUNDER_ACCESS'], thunderAccess);
  assert.equal(made({ thunderAccess, capabilities: `x,${THUNDER}` }).app.env['THUNDER_ACCESS'], thunderAccess);
  assert.equal(made({ thunderAccess }).app.env['THUNDER_ACCESS'], undefined);
  assert.deepEqual(made({ thunderAccess, ...may }).app.hostPorts, [9998]);
  for (const elsewhere of ['10.0.0.1:9998', '/tmp/communicator', '127.0.0.1:99999']) {
    assert.equal(made({ thunderAccess: elsewhere, ...may }).app.hostPorts, undefined, elsewhere);
  }
  const { app, ignored } = made(may);
  assert.equal(app.env['THUNDER_ACCESS'], undefined);
  assert(ignored.includes(`ralf: /manifest ${THUNDER} (no THUNDER_ACCESS here)`), ignored.join('\n'));
});

test('the permission internet in the capabilities is the network nat, too; names that are understood are not called unknown', () => {
  const { app, ignored } = made({ capabilities: 'urn:rdk:permission:internet,urn:rdk:permission:firebolt,urn:x' });
  assert.equal(app.network, 'nat');
  assert.deepEqual(ignored, ['capability urn:x']);
  assert.equal(made({}).app.network, 'none');
});

const served = (list: unknown, more: object = {}) => ({
  manifest: {
    permissions: ['urn:rdk:permission:internet'],
    configuration: { 'urn:rdk:config:network': list },
    ...more,
  },
});

test('services of a package are ports that lead to it: public ones at every address, exported ones at the machine’s own', () => {
  const list = [
    { name: 'mdx', port: 8009, protocol: 'tcp', type: 'public' },
    { name: 'own', port: 1234, protocol: 'UDP', type: 'exported' },
    { port: 4000 },
    { port: 8009, type: 'exported' },
  ];
  const { app, origins, ignored } = made(served(list));
  assert.deepEqual(app.ports, [
    { host: 8009, app: 8009, protocol: 'tcp' },
    { host: 1234, app: 1234, protocol: 'udp', address: '127.0.0.1' },
    { host: 4000, app: 4000, protocol: 'tcp' },
  ]);
  assert.deepEqual(ignored, []);
  assert.deepEqual(origins.of('ports[0]'), { layer: 'package', by: '/manifest urn:rdk:config:network' });
  const byDobby = made({ ...served([{ port: 1234, type: 'exported' }]), isDobby: true });
  assert.deepEqual(byDobby.app.ports, [{ host: 1234, app: 1234, protocol: 'tcp' }]);
});

test('what cannot be had is named with its reason, and never refuses the app', () => {
  const list = [
    { port: 80, type: 'public' },
    { port: 9998, type: 'imported' },
    { port: 53, protocol: 'udp', type: 'imported' },
    { port: 0 },
    'nonsense',
  ];
  const about = (text: string): string => `ralf: /manifest urn:rdk:config:network${text}`;
  const expected = [
    about('[3], which is no service'),
    about('[4], which is no service'),
    about(' public tcp 80 (needs network in apps.overlays.allow)'),
    about(' imported tcp 9998 (needs network in apps.overlays.allow)'),
    about(' imported udp 53 (only tcp can be imported)'),
  ];
  assert.deepEqual(made(served(list)).ignored.toSorted(), expected.toSorted());
  assert.deepEqual(made(served({ ports: [] })).ignored, [about(', which is no list')]);
  const offline = made(served([{ port: 8009 }], { permissions: [] }));
  assert.deepEqual(offline.app.ports, []);
  assert.deepEqual(offline.ignored, [about(' public tcp 8009 (needs the network nat, by the permission internet)')]);
  assert.deepEqual(made(served([{ port: 8009 }], { packageType: 'base' })).app.ports, []);
});

test('a device that allows it gives ports of the system, and ports of the machine for the app', () => {
  const { manifest } = served([{ port: 80 }, { port: 4567, type: 'imported' }]);
  const one = { metadata: '/manifest', manifest: manifestSchema.parse({ packageType: 'application', ...manifest }) };
  const device = { allow: ['network'], network: 'nat', exportAddress: undefined } as const;
  const platform = { apps: { overlays: { allow: ['network'] } } };
  assert.deepEqual(made({ manifest, platform }).app.hostPorts, [4567]);
  const { ports, imported, ignored } = portsOf(servicesOf([one, one]).services, device);
  assert.deepEqual(ports, [{ host: 80, app: 80, protocol: 'tcp' }]);
  assert.deepEqual(imported, [4567]);
  assert.deepEqual(ignored, []);
});

test('a list without end is bounded', () => {
  const { app, ignored } = made(served(Array.from({ length: 1000 }, (_, at) => ({ port: 2000 + at }))));
  assert.equal(app.ports.length, 64);
  assert.deepEqual(ignored, ['ralf: /manifest urn:rdk:config:network beyond 64 services']);
});
