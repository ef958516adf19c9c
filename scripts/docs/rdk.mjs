/** docs/rdk.md: what becomes of RDK's words, found out by asking for each of them and looking at what changes. */
import { RuntimeError } from '../../src/domain/errors.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { differences } from '../../src/domain/spec-fields.ts';
import { forOurEngine } from '../../src/manager/operations/order.ts';
import { CAPABILITIES } from '../../src/spec/capabilities.ts';
import { dobbySpec } from '../../src/spec/dobby/spec.ts';
import { directoriesOf, fromRuntimeConfig, hostPathsOf } from '../../src/spec/from-runtime-config.ts';
import { ociConfig } from '../../src/spec/oci-config.ts';
import { platformOf } from '../../src/spec/platform/platform.ts';
import { GRANTS, platformSchema } from '../../src/spec/platform/schema.ts';
import { manifestSchema } from '../../src/spec/ralf/schema.ts';
import { code, table } from './markdown.mjs';
import { rowsOf } from './schema-table.mjs';

/** @typedef {Record<string, unknown>} Json */
/** @typedef {{ config?: Json, platform?: Json, ports?: readonly number[] }} Question */

const BASE = { command: 'x', appPath: '/package-of-the-app', systemMemoryLimit: 64 * 2 ** 20 };
const GRANTED = { apps: { overlays: { allow: [...GRANTS], mountSources: ['/'] } } };
const identity = { uid: 30_001, gid: 30_001, rootHostUid: 230_001, rootHostGid: 230_001 };
const names = { appId: 'app', appInstanceId: 'one' };

/** Lists are joined, objects member by member. @param {Json} base @param {Json} more @returns {Json} */
function merged(base, more) {
  const result = { ...base };
  for (const [name, value] of Object.entries(more)) {
    const before = result[name];
    const areGroups = typeof before === 'object' && typeof value === 'object' && !Array.isArray(value);
    result[name] = areGroups ? merged(/** @type {Json} */ (before), /** @type {Json} */ (value)) : value;
  }
  return result;
}

/** @type {import('../../src/spec/ralf/app.ts').Ralf} */
const RALF = {
  list: '/list',
  packages: [{ mount: '/layer', metadata: '/manifest', manifest: manifestSchema.parse({ entryPoint: '/app' }) }],
  base: null,
  gpu: { rootfs: '/gpu', config: null },
};

/** @param {Question} question */
function described({ config = {}, platform = {}, ports }) {
  const device = platformOf(platformSchema.parse(merged(GRANTED, platform)));
  const upstream = { runtimeConfig: runtimeConfigSchema.parse({ ...BASE, ...config }), ports };
  // all that is asked for is there
  const ralf = upstream.runtimeConfig.ralfPkgPath === '' ? null : RALF;
  const present = new Set(hostPathsOf(upstream, device, ralf));
  const kinds = new Map(directoriesOf(upstream).map((path) => [path, /** @type {const} */ ('directory')]));
  return fromRuntimeConfig(upstream, { appId: 'app', platform: device, present, kinds, ralf });
}

/** @param {Question} question */
function dobbyOf(question) {
  const made = described(question);
  const common = { storage: '/storage', hasDisplay: true, rialtoSocket: null, cores: 4 };
  return dobbySpec({ described: made, ...names, identity: { uid: 30_001, gid: 30_001 }, ...common }).spec;
}

/** @param {Question} question */
function ociOf(question) {
  const { app, origins, platform } = forOurEngine(described(question));
  const nodes = (app.devices ?? []).map((path) => ({ path, type: /** @type {const} */ ('c'), major: 226, minor: 0 }));
  const groups = (app.groups ?? []).map(() => 44);
  return ociConfig({
    ...{ nodes, groups },
    ...{ app, said: origins, identity, ...names, device: { cores: platform.cores, count: 4, countsSwap: true } },
    rootfs: { path: '/root', bundle: null, binds: [] },
    ...{ storage: '/storage', inside: '/inside', cgroupsPath: '/group', hostname: 'app' },
    ...{ display: null, architecture: 'x64', oomScoreAdj: 0 },
  });
}

/** Paths without what is told by their beginning: fields of one mount, one plugin, one variable. @param {readonly string[]} paths */
function shortened(paths) {
  const heads = paths.map(
    (path) => /^.*?(mounts|plugins)\[[^\]]*\]|^rdkPlugins\.\w+|^.*\.resources\.\w+/.exec(path)?.[0] ?? path,
  );
  return [...new Set(heads)].map(code).join(', ');
}

/** @param {(question: Question) => object} make @param {Question} asked @param {Question} base */
function effect(make, asked, base) {
  try {
    const changed = differences(make(base), make(asked)).map(({ path }) => path);
    return changed.length === 0 ? '–' : shortened(changed);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'NOT_SUPPORTED') return `refused: ${error.next ?? ''}`;
    throw error;
  }
}

/** What must be there so that a member has an effect, and values that have one. @type {Record<string, { given?: Json, value?: unknown }>} */
const MEMBERS = {
  command: { value: 'y' },
  appPath: { value: '/other' },
  systemMemoryLimit: { value: 128 * 2 ** 20 },
  envVariables: { value: '["A=b"]' },
  dialId: { given: { dial: true }, value: 'name' },
  appType: { value: 'SYSTEM' },
  logFileMaxSize: { given: { logFilePath: '/log' } },
  logLevels: { value: '["info"]' },
  fkpsFiles: { value: '["name"]' },
  capabilities: { value: 'runtime-html' },
  runtimePath: { value: '/runtime-of-the-app' },
};
const HONOUR = '[`userIds.honour`](#user-and-group-ids)';
const MAPI = { apps: { mapi: { ports: [9001] } } };

export function memberTable() {
  /** @type {string[][]} */
  const rows = [];
  for (const { path, type } of rowsOf(runtimeConfigSchema)) {
    const { given = {}, value } = MEMBERS[path] ?? {};
    const plain = type.startsWith('integer') ? 4096 : type === 'boolean' ? true : '/x';
    const base = { config: given, platform: MAPI };
    const asked = { ...base, config: { ...given, [path]: value ?? plain } };
    const isId = path === 'userId' || path === 'groupId';
    const cells = isId
      ? [
          `${code(path === 'userId' ? 'user.uid' : 'user.gid')}, with ${HONOUR}`,
          `${code('process.user')}, linux.*Mappings, with ${HONOUR}`,
        ]
      : [effect(dobbyOf, asked, base), effect(ociOf, asked, base)];
    rows.push([code(path), cells[0] ?? '', cells.slice(1).join(', ')]);
  }
  const ports = { base: { config: { wanLanAccess: true } }, asked: { config: { wanLanAccess: true }, ports: [3473] } };
  rows.push([
    `${code('ports')} of ${code('run')}`,
    effect(dobbyOf, ports.asked, ports.base),
    'a hook that opens them in the app’s network',
  ]);
  for (const name of ['paths', 'debugSettings']) rows.push([`${code(name)} of ${code('run')}`, '–', '–']);
  return table(['member', 'Dobby spec', 'our engine (OCI configuration)'], rows);
}

/** A value for a key that has one of its own, and what an app must ask for. @type {Record<string, { value?: unknown, config?: Json, file?: Json }>} */
const KEYS = {
  'apps.limits.memory.defaultLimitBytes': { config: { systemMemoryLimit: 0, appType: 'INTERACTIVE' } },
  'apps.limits.gpumem.defaultLimitBytes': { config: { appType: 'INTERACTIVE' } },
  memoryLimit: { config: { systemMemoryLimit: 0, appType: 'INTERACTIVE' } },
  gpuMemoryLimit: { config: { appType: 'INTERACTIVE' } },
  'apps.limits.consoleLogBytes': { config: { logFilePath: '/log' } },
  'apps.limits.cpuset': { value: '0' },
  'apps.limits.ion.heapsLimitBytes': { value: { heap: 4096 } },
  'apps.enableIPv6': { config: { wanLanAccess: true } },
  'apps.gstreamer.registryFile': { value: '/registry', file: { apps: { gstreamer: { registryEnabled: true } } } },
  'apps.mapi.ports': { value: [9001], config: { mapi: true } },
  'apps.defaultAllowedLogLevels': { value: ['info'] },
  'apps.extraEnvVars': { value: ['A=b'] },
  'apps.rialto.override': { value: 'forceOn' },
  'rialto.override': { value: 'forceOn' },
  envVariables: { value: ['A=b'] },
  'dial.server.port': { config: { dial: true } },
  'dial.server.prefix': { value: 'prefix', config: { dial: true } },
  'dial.usn': { config: { dial: true } },
  'gpu.devNodes': { value: ['/dev/dri'] },
  'gpu.groupIds': { value: ['video'] },
  'vpu.devNodes': { value: ['/dev/video10'] },
  'vpu.groupIds': { value: ['video'] },
  'apps.overlays.allow': { value: [] },
  'apps.overlays.mountSources': { value: [] },
};

/** Both sides have what keys out of range would make a difference. @param {string} path @param {unknown} value */
const fileWith = (path, value) =>
  path.split('.').reduceRight((inner, name) => ({ [name]: inner }), /** @type {any} */ (value));

export function platformEffects() {
  /** @type {string[][]} */
  const rows = [];
  for (const { path, type, schema } of rowsOf(platformSchema)) {
    if (schema.properties !== undefined) continue;
    const { value, config, file = {} } = KEYS[path] ?? {};
    const plain = type.startsWith('list')
      ? [/preload/i.test(path) ? '/lib.so' : 'app']
      : type === 'boolean'
        ? true
        : type.startsWith('integer')
          ? 4096
          : 'x';
    const asks = config === undefined ? {} : { config };
    // where a limit of 0 is refused, another one stands in for it
    const base = {
      ...asks,
      platform: path.endsWith('emory.defaultLimitBytes') || path === 'memoryLimit' ? fileWith(path, 2 ** 25) : file,
    };
    const asked = {
      ...asks,
      platform: merged(file, fileWith(path, value ?? (plain === 4096 && /emory/.test(path) ? 2 ** 26 : plain))),
    };
    const said = path.startsWith('apps.overlays')
      ? ['what [overlays](#overlays) may do', 'the same']
      : path.startsWith('ralf.') && ['–', 'files that [RALF](#ralf) apps start from'];
    const cells = said || [effect(dobbyOf, asked, base), ours(asked, base)];
    rows.push([code(path), ...cells]);
  }
  return table(['key', 'Dobby spec', 'our engine (OCI configuration)'], rows);
}

/** What an app must ask for is not always there in our engine. @param {Question} asked @param {Question} base */
function ours(asked, base) {
  const found = effect(ociOf, asked, base);
  return found.startsWith('refused') && !found.includes('ialto') ? '–' : found;
}

const VALUES = { none: '', any: '=TEXT', JSON: '=OBJECT', 'source:destination': '=SOURCE:DESTINATION' };
/** @type {Record<string, string>} */
const SAMPLES = {
  'dial-app': 'dial-app=name',
  extramounts: 'extramounts=/source:/destination',
  additionalconfig: 'additionalconfig={"env":["A=b"]}',
  spec: 'spec={"env":["A=b"]}',
};

export function capabilityTable() {
  /** @type {string[][]} */
  const rows = [];
  for (const [name, { value, doc }] of Object.entries(CAPABILITIES)) {
    const asked = { config: { capabilities: SAMPLES[name] ?? name }, platform: MAPI };
    const base = { platform: MAPI };
    const isOverlay = value === 'JSON';
    const effects = isOverlay
      ? ['[overlays](#overlays)', '[overlays](#overlays)']
      : [effect(dobbyOf, asked, base), effect(ociOf, asked, base)];
    rows.push([code(`${name}${VALUES[value]}`), doc, ...effects]);
  }
  return table(['capability', 'meaning', 'Dobby spec', 'our engine'], rows);
}

export const grantList = () => GRANTS.map(code).join(', ');
