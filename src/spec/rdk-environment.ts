/** The variables that RDK's apps look for, besides their own (upstream's DobbySpecGenerator). */
import type { RuntimeConfig } from '../domain/runtime-config.ts';
import type { Capabilities } from './capabilities.ts';
import { variablesOf } from './described.ts';
import { from, type Origin } from './origins.ts';
import type { Platform } from './platform/platform.ts';

export type RdkVariable = readonly [name: string, value: string, origin: Origin];

type Context = {
  readonly appId: string;
  readonly platform: Platform;
  readonly capabilities: Capabilities;
  readonly present: ReadonlySet<string>;
};

/** Where apps find the registry of GStreamer's plugins. */
export const REGISTRY_POINT = '/tmp/gstreamer-cached-registry.bin';

/** The device's, then those of features; later ones win. */
export const rdkEnvironment = (config: RuntimeConfig, context: Context): readonly RdkVariable[] => [
  ...variablesOf(context.platform.env.value).map(([name, value]): RdkVariable => [
    name,
    value,
    context.platform.env.origin,
  ]),
  ...resourceManager(context),
  ...dial(config, context),
  ...registry(context),
  ...inspector(context),
];

function resourceManager({ appId, platform: { resourceManager: client } }: Context): readonly RdkVariable[] {
  if (!client.value) return [];
  return [
    ['ESSRMGR_APPID', appId, client.origin],
    ['CLIENT_IDENTIFIER', appId, client.origin],
  ];
}

/** Unlike upstream's, the URL is one: only the name in it is escaped. */
function dial({ dial: wanted, dialId }: RuntimeConfig, { capabilities, platform }: Context): readonly RdkVariable[] {
  if (!wanted && !capabilities.has('dial-app')) return [];
  const origin = wanted ? from('caller', 'runtimeConfigObject.dial') : from('capability', 'dial-app');
  const { port, prefix, usn } = platform.dial.value;
  const name = dialId === '' ? (capabilities.valueOf('dial-app') ?? '') : dialId;
  const path = [...prefix.split('/').filter((part) => part !== ''), encodeURIComponent(name), 'dial_data'].join('/');
  return [
    ['APPLICATION_DIAL_NAME', name, origin],
    ['ADDITIONAL_DATA_URL', `http://127.0.0.1:${port}/${path}`, origin],
    ['DIAL_USN', usn, origin],
  ];
}

function registry(context: Context): readonly RdkVariable[] {
  const { origin } = context.platform.gstreamerRegistry;
  if (!hasRegistry(context)) return [];
  return [
    ['GST_REGISTRY', REGISTRY_POINT, origin],
    ['GST_REGISTRY_UPDATE', 'no', origin],
  ];
}

export const hasRegistry = ({ platform, capabilities, present }: Omit<Context, 'appId'>): boolean =>
  platform.gstreamerRegistry.value !== null &&
  present.has(platform.gstreamerRegistry.value) &&
  !wantsRialto(platform.rialto, capabilities);

const inspector = ({ capabilities }: Context): readonly RdkVariable[] =>
  capabilities.has('runtime-html')
    ? [['WEBKIT_LEGACY_INSPECTOR_SERVER', '0.0.0.0:22222', from('capability', 'runtime-html')]]
    : [];

export const wantsRialto = (rialto: Platform['rialto'], { has }: Capabilities): boolean =>
  rialto === 'on' || (rialto === 'by capability' && has('rialto'));
