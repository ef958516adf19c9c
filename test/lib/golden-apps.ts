/** The apps of test/golden/spec. */
import { readPlatform } from '../../src/spec/platform/platform.ts';
import { BUNDLE, type SpecApp } from './spec-apps.ts';
import { RALF, RALF_DEVICE } from './ralf-apps.ts';

const MIB = 2 ** 20;
const SLEEP = { rootfs: { host: true as const }, args: ['/bin/sleep', '9'] };
const RDK = { command: 'bin/start', appPath: '/opt/apps/a', appType: 'INTERACTIVE' };

/** As a device has it, comments and all; with a word on what capabilities may. */
const DEVICE = await readPlatform(
  `{
  // limits of this device
  "apps": {
    "limits": {
      "memory": { "defaultLimitBytes": 104857600 }, "gpumem": { "defaultLimitBytes": 50331648 },
      "consoleLogBytes": 65536, "cpuset": "0-1,9", "ion": { "defaultLimitBytes": 1048576, "heapsLimitBytes": { "carveout": 4096 } }
    },
    "enableIPv6": true, "essosResourceManager": { "enableClient": true },
    "gstreamer": { "registryEnabled": true, "registryFile": "/run/gst/registry.bin" },
    "defaultAllowedLogLevels": ["milestone", "fatal"],
    "mapi": { "ports": [9001, 9002] },
    "requireDBus": ["com.example.app"], "vpuAccessBlacklist": ["com.example.app"],
    "extraEnvVars": ["DEVICE=1", "SHARED=device"],
    "overlays": { "allow": ["memLimit", "devices", "rdkPlugins"], "mountSources": ["/opt/shared/"] }
  },
  "ldPreload": ["/usr/lib/libspy.so"],
  "dial": { "server": { "port": 8010, "prefix": "/apps/" }, "usn": "uuid:1" }
}`,
  'device.json',
);
const FLAT = await readPlatform(
  'memoryLimit: 31457280\ngpuMemoryLimit: 1024\nionDefaultQuota: 2048\npreloads: [/usr/lib/a.so]\nenvVariables: [FLAT=1]\nenableSvp: true\nsvpfiles: [/x]\nrialto: {override: forceOn}\n',
  'device.yaml',
);

const escaped = (json: object): string => JSON.stringify(json).replaceAll('\\', '\\\\\\\\').replaceAll(',', '\\,');

export const GOLDEN_APPS: Readonly<Record<string, SpecApp>> = {
  host: { app: SLEEP },
  limits: { app: { ...SLEEP, limits: { memoryBytes: 64 * MIB } } },
  'limits-all': { app: { ...SLEEP, limits: { memoryBytes: 64 * MIB, cpus: 0.5, pids: 7, openFiles: 99 } } },
  'limits-shares': {
    app: {
      ...SLEEP,
      limits: { memoryBytes: 64 * MIB, swapBytes: 32 * MIB, cpuShares: 512, cores: '0-1', ioWeight: 50 },
    },
  },
  directory: {
    app: {
      rootfs: { dir: '/srv/root' },
      args: ['/bin/sh'],
      cwd: '/srv',
      mounts: [{ source: '/srv/x', destination: '/opt/x', readOnly: true }],
    },
  },
  bundle: { app: { rootfs: { bundle: '/b' }, env: { A: 'app' } }, rootfs: BUNDLE },
  'bundle-overruled': { app: { rootfs: { bundle: '/b' }, args: ['/x'], cwd: '/' }, rootfs: BUNDLE },
  terminal: { app: { ...SLEEP, terminal: true } },
  'no-hibernation': { app: { ...SLEEP, hibernation: { enabled: false } } },
  'own-on-device': { app: { ...SLEEP, env: { SHARED: 'app', OWN: '1' } }, platform: DEVICE },
  published: {
    app: {
      ...SLEEP,
      network: 'nat',
      ports: [
        { host: 8080, app: 8080 },
        { host: 53, app: 53, protocol: 'udp' },
      ],
    },
    platform: DEVICE,
  },
  display: { app: { ...SLEEP, display: { width: 1280, height: 720 } }, platform: DEVICE },
  'rdk-plain': { runtimeConfig: { ...RDK, appType: '', systemMemoryLimit: 64 * MIB } },
  'rdk-interactive': { runtimeConfig: RDK },
  'rdk-without-limit': { runtimeConfig: { ...RDK, appType: 'OTHER' } },
  'rdk-runtime': { runtimeConfig: { ...RDK, runtimePath: '/opt/runtimes/r', envVariables: '["A=1","B=x=y","A=2"]' } },
  'rdk-runtime-only': { runtimeConfig: { ...RDK, appPath: '', runtimePath: '/opt/runtimes/r' } },
  'rdk-system': { runtimeConfig: { ...RDK, appType: 'SYSTEM', systemMemoryLimit: 32 * MIB }, platform: DEVICE },
  'rdk-on-device': {
    runtimeConfig: { ...RDK, envVariables: '["SHARED=app"]' },
    platform: DEVICE,
    present: ['/run/gst/registry.bin'],
  },
  'rdk-on-flat-device': { runtimeConfig: RDK, platform: FLAT, rialtoSocket: '/tmp/rialto-com.example.app' },
  'rdk-dial': { runtimeConfig: { ...RDK, dial: true, dialId: 'You Tube' }, platform: DEVICE },
  'rdk-dial-by-capability': { runtimeConfig: { ...RDK, capabilities: 'Dial-App=Player,home-app,unheard-of' } },
  'rdk-html': { runtimeConfig: { ...RDK, capabilities: 'runtime-html' } },
  'rdk-network': {
    runtimeConfig: { ...RDK, wanLanAccess: true, thunder: true, mapi: true, capabilities: 'local-services-2' },
    ports: [3473],
    platform: DEVICE,
  },
  'rdk-network-by-capability': { runtimeConfig: { ...RDK, capabilities: 'wan-lan,thunder,mapi' }, platform: DEVICE },
  'rdk-extra-mounts': {
    runtimeConfig: {
      ...RDK,
      capabilities: 'extramounts=/opt/shared/a\\\\\\\\:b:/srv/a,extramounts=/opt/shared/gone:/srv/b',
    },
    platform: DEVICE,
    present: ['/opt/shared/a:b', '/opt/shared/c'],
  },
  'rdk-extra-mount-denied': {
    runtimeConfig: { ...RDK, capabilities: 'extramounts=/etc/shadow:/srv/shadow' },
    platform: DEVICE,
    present: ['/etc/shadow'],
  },
  'rdk-additionalconfig': {
    runtimeConfig: {
      ...RDK,
      capabilities: `additionalconfig=${escaped({ env: ['ONLY=1,2', 'B=c:\\d'], memLimit: 20 * MIB, cwd: '/package/x' })}`,
    },
  },
  'rdk-additionalconfig-granted': {
    runtimeConfig: {
      ...RDK,
      capabilities: `additionalconfig=${escaped({
        memLimit: 500 * MIB,
        devices: [{ major: 13, minor: 64, access: 'rw' }],
        rdkPlugins: { logging: { data: { sink: 'journald' } }, gamepad: { data: {} } },
      })}`,
    },
    platform: DEVICE,
  },
  'rdk-additionalconfig-denied': {
    runtimeConfig: { ...RDK, capabilities: `additionalconfig=${escaped({ capabilities: ['CAP_NET_RAW'] })}` },
    platform: DEVICE,
  },
  'rdk-additionalconfig-deadly': {
    runtimeConfig: { ...RDK, capabilities: `additionalconfig=${escaped({ rtPriority: { default: 1, limit: 2 } })}` },
  },
  'rdk-spec': {
    runtimeConfig: {
      ...RDK,
      capabilities: `spec=${escaped({
        env: ['MORE=1'],
        cwd: '/ignored',
        mounts: [
          { source: '/opt/shared/c', destination: '/srv/c', type: 'bind', options: ['bind', 'ro', 'nosuid', 'nodev'] },
        ],
      })}`,
    },
    platform: DEVICE,
  },
  'rdk-data-and-drm': {
    runtimeConfig: {
      ...RDK,
      unpackedPath: '/opt/data.img',
      fkpsFiles: '["a.bin","gone.bin"]',
      gpuMemoryLimit: 32 * MIB,
    },
    present: ['/opt/drm/a.bin'],
  },
  'rdk-data-directory': {
    runtimeConfig: { ...RDK, unpackedPath: '/opt/data', capabilities: 'extramounts=/opt/shared/c:/srv/c' },
    platform: DEVICE,
    present: ['/opt/shared/c'],
    directories: ['/opt/data'],
  },
  'rdk-ralf': { runtimeConfig: { ralfPkgPath: RALF.list }, ralf: RALF },
  'rdk-ralf-on-device': {
    runtimeConfig: {
      ...RDK,
      ralfPkgPath: RALF.list,
      systemMemoryLimit: 96 * MIB,
      envVariables: '["FIREBOLT_ENDPOINT=http://127.0.0.1:3473?session=1","SHARED=caller"]',
    },
    platform: DEVICE,
    ralf: RALF_DEVICE,
    present: ['/usr/share/gpu-layer/rootfs', '/usr/lib/libgpu.so.1'],
  },
  'rdk-logs': {
    runtimeConfig: { ...RDK, logFilePath: '/opt/logs/a.log', logFileMaxSize: 4096, logLevels: '["info","debug","x"]' },
    platform: DEVICE,
  },
  'rdk-rialto': {
    runtimeConfig: { ...RDK, capabilities: 'rialto' },
    rialtoSocket: '/tmp/rialto-com.example.app',
    platform: DEVICE,
  },
};
