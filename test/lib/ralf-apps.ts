/** RALF packages as a device has them (facts/thunder.md §5.4): a base, a runtime and an app. */
import type { Ralf } from '../../src/spec/ralf/app.ts';
import { baseSpecSchema, gpuLayerSchema, manifestSchema } from '../../src/spec/ralf/schema.ts';

const MANIFESTS = {
  base: {
    packageType: 'base',
    entryPoint: '/usr/bin/start',
    configuration: { 'urn:rdk:config:env': { NOT: 'of a base' } },
  },
  wpe: {
    packageType: 'runtime',
    version: '9',
    versionName: 'not-an-app',
    entryPoint: '/usr/bin/wpe',
    configuration: {
      'urn:rdk:config:memory': { system: '300M' },
      'urn:rdk:config:overrides': { runtime: { userAgent: 'wpe' } },
    },
  },
  clock: {
    id: 'com.example.clock',
    packageType: 'application',
    version: '1.2.3',
    versionName: '1.2.3-beta',
    entryPoint: 'web/index.html',
    entryArgs: ['--some-option=true'],
    permissions: ['urn:rdk:permission:internet', 'urn:rdk:permission:firebolt', 'urn:rdk:permission:thunder'],
    configuration: {
      'urn:rdk:config:memory': { system: '400mb', gpu: '128M' },
      'urn:rdk:config:storage': { maxLocalStorage: '32M' },
      'urn:rdk:config:env': { SHARED: 'package', CLOCK: 'yes', HOME: '/forged', WAYLAND_DISPLAY: 'forged' },
      'urn:rdk:config:overrides': { application: { colorTheme: 'vivid' }, runtime: { userAgent: 'clock' } },
      'urn:rdk:config:network': { ports: [] },
    },
  },
};

export const RALF: Ralf = {
  list: '/opt/ralf/packages.json',
  packages: Object.entries(MANIFESTS).map(([name, manifest]) => ({
    mount: `/run/packages/${name}`,
    metadata: `/opt/ralf/${name}.json`,
    manifest: manifestSchema.parse(manifest),
  })),
  base: null,
  gpu: { rootfs: '/usr/share/gpu-layer/rootfs', config: null },
};

export const RALF_DEVICE: Ralf = {
  ...RALF,
  base: {
    file: '/usr/share/ralf/oci-base-spec.json',
    ...baseSpecSchema.parse({
      ociVersion: '1.0.2',
      process: {
        args: [],
        env: ['PATH=/usr/bin:/bin', 'HOME=/rootdir', 'BASE=1'],
        cwd: '/',
        capabilities: { bounding: ['CAP_SYS_ADMIN'] },
      },
      linux: { resources: { memory: { limit: 524_288_000 } } },
      hooks: { createRuntime: [{ path: '/bin/evil' }] },
    }),
  },
  gpu: {
    rootfs: '/usr/share/gpu-layer/rootfs',
    config: {
      file: '/usr/share/gpu-layer/config.json',
      ...gpuLayerSchema.parse({
        vendorGpuSupport: {
          devNodes: ['/dev/mali0'],
          groupIds: ['video'],
          files: [
            { type: 'bind', source: '/usr/lib/libgpu.so.1', destination: '/usr/lib/libgpu.so.1' },
            { source: '/usr/lib/gone.so', destination: '/usr/lib/gone.so' },
            { type: 'symlink', target: '/usr/lib/libgpu.so.1', linkPath: '/usr/lib/libgpu.so' },
          ],
        },
      }),
    },
  },
};
