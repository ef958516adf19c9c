/** Plugins of an app that Dobby starts: upstream's, those in its dead code, and always one (see `logging`). */
import { textList } from '../../domain/runtime-config.ts';
import type { CapabilityName } from '../capabilities.ts';
import { originIn } from '../described.ts';
import { DEFAULT, from } from '../origins.ts';
import { LOG_LEVELS } from '../platform/schema.ts';
import type { DobbySpec } from './schema.ts';
import type { DobbyOrder } from './order.ts';

type Plugins = DobbySpec['rdkPlugins'];

const MINIDUMPS = '/opt/secure/minidumps';
const SERVICE_LEVELS = [1, 2, 3, 4, 5] as const;
const DEFAULT_SERVICE_LEVEL = 5;
/** Where Thunder's security agent knows the app by (upstream). */
const bearerUrl = (level: number): string => `http://local-services-${level}.sky.com`;

/** The older kind: a list by name. */
export function legacyPlugins(order: DobbyOrder): DobbySpec['plugins'] {
  if (order.described.rdk === null) return [];
  const logs = { name: 'EthanLog', data: { loglevels: logLevels(order) } };
  return order.wantsRialto ? [logs] : [logs, { name: 'OpenCDM', data: null }];
}

/** In upstream's order; of none that is known it makes `milestone`. */
function logLevels({ described: { rdk, platform }, origins }: DobbyOrder): readonly string[] {
  const asked = textList(rdk?.runtimeConfig.logLevels ?? '');
  const own = from('caller', 'runtimeConfigObject.logLevels');
  origins.set('plugins[EthanLog].data.loglevels', asked.length > 0 ? own : platform.logLevels.origin);
  const wanted = asked.length > 0 ? asked : platform.logLevels.value;
  const levels = LOG_LEVELS.filter((level) => wanted.includes(level));
  return levels.length > 0 ? levels : ['milestone'];
}

export const rdkPlugins = (order: DobbyOrder): Plugins => ({
  ...logging(order),
  ...networking(order),
  ...thunder(order),
  ...services(order),
  ...ion(order),
  ...minidump(order),
});

/** Without any plugin some calls make the daemon crash (facts/dobby.md §0); `console` brings one of its own. */
const logging = ({ described: { rdk } }: DobbyOrder): Plugins =>
  rdk !== null && rdk.runtimeConfig.logFilePath !== ''
    ? {}
    : { logging: { required: false, data: { sink: 'devnull' } } };

/** `app.hostPorts` are services of the device that the app may reach, so they lead out; `app.ports` lead in. */
function networking({ described, origins }: DobbyOrder): Plugins {
  const { app, platform } = described;
  const { hostPorts = [] } = app;
  origins.set('rdkPlugins.networking', originIn(described, 'network'));
  if (app.network === 'host') return { networking: { required: true, data: { type: 'open' } } };
  const portForwarding = forwarding(app.ports, hostPorts);
  const ports = originIn(described, hostPorts.length > 0 ? 'hostPorts' : 'ports');
  origins.set('rdkPlugins.networking.data.portForwarding', ports);
  if (app.network === 'none') {
    // without the plugin, too, the app has a network of its own and nothing in it
    if (hostPorts.length === 0) return { networking: { required: false, data: { type: 'none' } } };
    // dnsmasq means nothing here but that no resolv.conf is bound in (Dobby's NetworkingPlugin.cpp, postInstallation)
    return { networking: { required: true, data: { type: 'none', ipv4: true, dnsmasq: true, ...portForwarding } } };
  }
  origins.set('rdkPlugins.networking.data.ipv6', platform.ipv6.origin);
  const data = { type: 'nat', dnsmasq: true, ipv4: true, ipv6: platform.ipv6.value, ...portForwarding } as const;
  return { networking: { required: true, data } };
}

type Published = readonly { readonly host: number; readonly protocol: 'tcp' | 'udp' }[];

function forwarding(published: Published, reached: readonly number[]) {
  if (published.length === 0 && reached.length === 0) return {};
  return {
    portForwarding: {
      // for ports that lead out only: with none of them the plugin fails (PortForwarding.cpp, constructMasqueradeRules)
      ...(reached.length > 0 && { localhostMasquerade: true }),
      ...(published.length > 0 && {
        hostToContainer: published.map(({ host, protocol }) => ({ port: host, protocol })),
      }),
      ...(reached.length > 0 && { containerToHost: reached.map((port) => ({ port, protocol: 'tcp' as const })) }),
    },
  };
}

/** The level of the device's services that the app may use; undefined when it asks for none. */
function serviceLevel({ described: { rdk } }: DobbyOrder): { level: number; name: CapabilityName } | undefined {
  const level = SERVICE_LEVELS.find((one) => rdk?.capabilities.has(`local-services-${one}`));
  return level === undefined ? undefined : { level, name: `local-services-${level}` };
}

function thunder(order: DobbyOrder): Plugins {
  const { described, origins } = order;
  const { rdk } = described;
  if (rdk === null || !(rdk.runtimeConfig.thunder || rdk.capabilities.has('thunder'))) return {};
  const asked = rdk.runtimeConfig.thunder
    ? from('caller', 'runtimeConfigObject.thunder')
    : from('capability', 'thunder');
  origins.set('rdkPlugins.thunder', asked);
  const { level, name } = serviceLevel(order) ?? { level: DEFAULT_SERVICE_LEVEL, name: undefined };
  origins.set('rdkPlugins.thunder.data.bearerUrl', name === undefined ? DEFAULT : from('capability', name));
  return { thunder: { required: true, dependsOn: ['networking'], data: { bearerUrl: bearerUrl(level) } } };
}

function services(order: DobbyOrder): Plugins {
  const { described, origins } = order;
  const { app, rdk, platform } = described;
  const asked = serviceLevel(order);
  if (rdk === null || asked === undefined) return {};
  const wantsDial = rdk.runtimeConfig.dial || rdk.capabilities.has('dial-app');
  const wantsMapi = rdk.runtimeConfig.mapi || rdk.capabilities.has('mapi');
  const additionalPorts = [
    ...(wantsDial && platform.dial.value.port > 0 ? [platform.dial.value.port] : []),
    ...(app.hostPorts ?? []),
    ...(wantsMapi ? platform.mapiPorts.value : []),
  ];
  origins.set('rdkPlugins.appservicesrdk', from('capability', asked.name));
  // not in every build of Dobby
  const data = { setMenu: asked.name, additionalPorts };
  return { appservicesrdk: { required: false, dependsOn: ['networking'], data } };
}

function ion({ described: { rdk, platform }, origins }: DobbyOrder): Plugins {
  if (rdk === null) return {};
  origins.set('rdkPlugins.ionmemory', platform.ion.origin);
  const { defaultLimit, heaps } = platform.ion.value;
  const named = Object.entries(heaps).map(([name, limit]) => ({ name, limit }));
  return { ionmemory: { required: false, data: { defaultLimit, heaps: named } } };
}

const minidump = ({ described: { rdk } }: DobbyOrder): Plugins =>
  rdk === null ? {} : { minidump: { required: false, data: { destinationPath: MINIDUMPS } } };
