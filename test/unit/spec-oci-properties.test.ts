import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AppInput } from '../../src/domain/app.ts';
import { INSIDE_POINT } from '../../src/domain/rootfs.ts';
import { ociConfig } from '../../src/spec/oci-config.ts';
import { BUNDLE, HOST, input, refuses } from '../lib/oci-input.ts';
import { ociSchemaErrors } from '../lib/oci-schema.ts';

const path = fc.stringMatching(/^(\/[a-z.]{1,6}){1,3}$/).filter((text) => !text.split('/').includes('..'));
const text = fc.string().filter((value) => !value.includes('\0'));
const anyApp: fc.Arbitrary<AppInput> = fc.record(
  {
    rootfs: fc.oneof(fc.constant({ host: true as const }), fc.record({ dir: path }), fc.record({ bundle: path })),
    args: fc.array(
      text.filter((value) => value !== ''),
      { minLength: 1, maxLength: 4 },
    ),
    cwd: path,
    env: fc.dictionary(
      text.filter((name) => /^[^=]+$/s.test(name)),
      text,
    ),
    limits: fc.record(
      {
        memoryBytes: fc.integer({ min: 6 * 2 ** 20, max: 2 ** 40 }),
        cpus: fc.double({ min: 0.01, max: 1024, noNaN: true }),
        pids: fc.integer({ min: 2, max: 4_194_304 }),
        openFiles: fc.integer({ min: 16, max: 1_048_576 }),
      },
      { requiredKeys: [] },
    ),
    mounts: fc.array(fc.record({ source: path, destination: path, readOnly: fc.boolean() }), { maxLength: 4 }),
    terminal: fc.boolean(),
  },
  { requiredKeys: ['rootfs', 'args'] },
);
const anyId = fc.integer({ min: 1, max: 2 ** 32 - 2 });

test('whatever an app asks for: schema-valid, never root, no capability, no new privileges, everything nosuid', () => {
  fc.assert(
    fc.property(anyApp, fc.tuple(anyId, anyId), fc.constantFrom(HOST, BUNDLE), (app, [uid, gid], rootfs) => {
      const identity = { uid, gid, rootHostUid: uid + 1, rootHostGid: gid + 1 };
      let config;
      try {
        config = ociConfig(input(app, { identity, rootfs }));
      } catch (error) {
        // Only what its mounts ask for can be refused here.
        assert.ok(refuses('INVALID_ARGUMENT', /^mounts: /)(error), String(error));
        return;
      }
      assert.deepEqual(ociSchemaErrors(config), []);
      assert.ok(config.process.user.uid > 0 && config.process.user.gid > 0);
      assert.equal(config.process.noNewPrivileges, true);
      assert.ok(Object.values(config.process.capabilities).every((set) => set.length === 0));
      assert.ok(config.linux.uidMappings.every(({ hostID }) => hostID !== 0));
      assert.equal(config.root.readonly, true);
      assert.ok(config.mounts.every(({ options }) => options.includes('nosuid') && !options.includes('suid')));
      assert.equal(config.mounts.at(-1)?.destination, INSIDE_POINT);
      const destinations = config.mounts.map(({ destination }) => destination);
      assert.ok(
        ['/proc', '/dev', '/sys', '/run', '/data'].every(
          (place) => destinations.filter((one) => one === place).length === 1,
        ),
      );
      assert.equal(config.linux.seccomp.defaultAction, 'SCMP_ACT_ERRNO');
    }),
    { numRuns: 300 },
  );
});
