import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../src/domain/errors.ts';
import { ralfApp, type Ralf } from '../../src/spec/ralf/app.ts';
import {
  baseSpecSchema,
  gpuLayerSchema,
  manifestSchema,
  ralfListSchema,
  readRalfText,
} from '../../src/spec/ralf/schema.ts';
import { RALF, RALF_DEVICE } from '../lib/ralf-apps.ts';
import { APP_ID, ociOf } from '../lib/spec-apps.ts';

const MIB = 2 ** 20;
const NOTHING: ReadonlySet<string> = new Set();
const of = (...manifests: readonly object[]): Ralf => ({
  ...RALF,
  packages: manifests.map((manifest, at) => ({
    mount: `/mount/${at}`,
    metadata: `/manifest/${at}`,
    manifest: manifestSchema.parse({ packageType: 'application', entryPoint: '/x', ...manifest }),
  })),
});
const memory = (system: string) => ({ configuration: { 'urn:rdk:config:memory': { system } } });
const storage = (maxLocalStorage: string) => ({ configuration: { 'urn:rdk:config:storage': { maxLocalStorage } } });

test('layers lie in the order of the list, and the GPU layer over them where the device has one', () => {
  const mounts = RALF.packages.map(({ mount }) => mount);
  assert.deepEqual(ralfApp(RALF, NOTHING).layers, mounts);
  assert.deepEqual(ralfApp(RALF, new Set([RALF.gpu.rootfs])).layers, [...mounts, RALF.gpu.rootfs]);
});

test('of two packages the later one says the limits; a base says none; suffixes have any case', () => {
  const wins = (ralf: Ralf) => ralfApp(ralf, NOTHING).memory.find(([value]) => value !== undefined)?.[0];
  assert.equal(wins(of(memory('64M'), memory('0.125gb'))), 128 * MIB);
  assert.equal(wins(of(memory('64mib'), {})), 64 * MIB);
  assert.equal(wins(of({ packageType: 'base', ...memory('64M') })), 524_288_000);
  assert.equal(
    wins({
      ...of({}),
      base: { file: '/b', ...baseSpecSchema.parse({ linux: { resources: { memory: { limit: 9e6 } } } }) },
    }),
    9e6,
  );
});

test('a storage limit that is too small for a file system is raised; nobody asked, none', () => {
  assert.equal(ralfApp(of(storage('1M')), NOTHING).storage[0], 16 * MIB);
  assert.equal(ralfApp(of(storage('1M'), storage('2G')), NOTHING).storage[0], 2048 * MIB);
  const none = ralfApp(of({}), NOTHING);
  assert.equal(none.storage[0], undefined);
  assert.deepEqual(none.env.find(([name]) => name === 'STORAGE_LIMIT')?.[1], '104857600');
});

test('what the engine leaves out is named, with its file', () => {
  const { ignored } = ralfApp(RALF_DEVICE, NOTHING);
  assert.deepEqual(ignored, [
    'ralf: /usr/share/gpu-layer/config.json some of files',
    'ralf: /opt/ralf/clock.json urn:rdk:config:network, which is no list',
  ]);
});

test('every field says which file set it', () => {
  const { origins } = ociOf({ runtimeConfig: { ralfPkgPath: RALF.list }, ralf: RALF_DEVICE });
  const expected = {
    'process.args[2]': ['package', '/opt/ralf/packages.json entryPoint'],
    'process.env[CLOCK]': ['package', '/opt/ralf/clock.json urn:rdk:config:env'],
    'process.env[BASE]': ['platform', '/usr/share/ralf/oci-base-spec.json process.env'],
    'linux.resources.memory.limit': ['package', '/opt/ralf/clock.json urn:rdk:config:memory'],
    'process.env[APPLICATION_NAME]': ['default', null],
  };
  for (const [path, origin] of Object.entries(expected)) {
    const { layer, by } = origins.of(path);
    assert.deepEqual([layer, by], origin, `${path} of ${APP_ID}`);
  }
});

test('whatever a file holds, it is read or refused with its name; never a crash', () => {
  const schemas = [ralfListSchema, manifestSchema, baseSpecSchema, gpuLayerSchema];
  const likely = fc.dictionary(
    fc.constantFrom(
      'packages',
      'entryPoint',
      'entryArgs',
      'configuration',
      'process',
      'linux',
      'vendorGpuSupport',
      '__proto__',
    ),
    fc.jsonValue(),
  );
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    likely.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, fc.constantFrom(...schemas), (content, schema) => {
      try {
        readRalfText(schema, '/the/file', content);
      } catch (error) {
        assert.ok(error instanceof RuntimeError && error.code === 'BUNDLE_INVALID', String(error));
        assert.match(error.what, /^\/the\/file /);
      }
    }),
    { numRuns: 1000 },
  );
});
