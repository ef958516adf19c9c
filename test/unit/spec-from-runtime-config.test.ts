import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { fromRuntimeConfig } from '../../src/spec/from-runtime-config.ts';
import { BUILT_IN, NO_PLATFORM, type Platform } from '../../src/spec/platform/platform.ts';
import { refuseUnsupportedWords } from '../../src/spec/unsupported.ts';

const QUIET: Platform = { ...BUILT_IN, env: NO_PLATFORM.env };
const translate = (members: object, rest: object = {}, platform: Platform = QUIET) =>
  fromRuntimeConfig(
    { runtimeConfig: runtimeConfigSchema.parse({ appPath: '/opt/apps/a', command: 'start', ...members }), ...rest },
    { appId: 'com.example.app', platform, present: new Set(['/opt/there']) },
  );
const forOurEngine = (members: object) => {
  const { rdk, platform } = translate(members);
  return rdk === null ? [] : refuseUnsupportedWords(rdk, platform);
};
const refuses = (code: ErrorCode, words: RegExp) => (error: unknown) =>
  error instanceof RuntimeError && error.code === code && words.test(error.what) && error.next !== undefined;

describe("upstream's run parameters", () => {
  test('a package is mounted read-only, is the working directory, and its command is run from it', () => {
    const { app, ignored } = translate({ envVariables: '["A=1","B=x=y","A=2"]', systemMemoryLimit: 64 * 2 ** 20 });
    assert.deepEqual(app.rootfs, { host: true });
    assert.deepEqual(app.args, ['/package/start']);
    assert.equal(app.cwd, '/package');
    assert.deepEqual(app.env, { A: '2', B: 'x=y' });
    assert.deepEqual(app.limits, { memoryBytes: 64 * 2 ** 20 });
    assert.deepEqual(app.mounts, [{ source: '/opt/apps/a', destination: '/package', readOnly: true }]);
    assert.deepEqual(ignored, []);
  });

  test('with a runtime the command is the runtime’s', () => {
    const { app } = translate({ runtimePath: '/opt/runtimes/r' });
    assert.deepEqual(app.args, ['/runtime/start']);
    assert.deepEqual(
      app.mounts.map(({ destination }) => destination),
      ['/package', '/runtime'],
    );
  });

  test('a runtime without a package works in /', () => {
    assert.equal(translate({ appPath: '', runtimePath: '/opt/runtimes/r' }).app.cwd, undefined);
  });

  test('the command is one name: upstream splits nothing', () => {
    assert.deepEqual(translate({ command: 'run me --fast' }).app.args, ['/package/run me --fast']);
  });

  test('a limit of 0 or less is no limit', () => {
    assert.deepEqual(translate({ systemMemoryLimit: 0 }).app.limits, {});
    assert.deepEqual(translate({ systemMemoryLimit: -1 }).app.limits, {});
  });

  test('wanLanAccess is the network nat', () => {
    assert.equal(translate({ wanLanAccess: true }).app.network, 'nat');
    assert.equal(translate({ wanLanAccess: false }).app.network, 'none');
  });

  test('what our engine cannot do yet is refused by name', () => {
    const asked: Record<string, unknown> = {
      thunder: true,
      gpuMemoryLimit: 1,
      mapi: true,
      unpackedPath: '/p',
    };
    for (const [member, value] of Object.entries(asked)) {
      const expected = refuses(
        'NOT_SUPPORTED',
        new RegExp(`^runtimeConfigObject.${member} (that is no directory )?is not supported`),
      );
      assert.throws(() => forOurEngine({ [member]: value }), expected, member);
    }
    for (const name of ['MAPI', 'thunder', 'rialto']) {
      const expected = refuses('NOT_SUPPORTED', new RegExp(`^the capability ${name.toLowerCase()} is not supported`));
      assert.throws(() => forOurEngine({ capabilities: name }), expected, name);
    }
    assert.deepEqual(forOurEngine({ fkpsFiles: '[]', gpuMemoryLimit: -1, capabilities: '' }), []);
    assert.deepEqual(forOurEngine({ logFilePath: '/x', logLevels: '["info"]', capabilities: 'local-services-2' }), [
      'logFilePath',
      'logLevels',
      'capability local-services-2',
    ]);
  });

  test('what upstream never reads is taken, and named', () => {
    const { ignored } = translate(
      { dataImageSize: 5, fireboltVersion: '1', enableDebugger: true, resourceManagerClientEnabled: true },
      { ports: [80], paths: ['/x'], debugSettings: ['d'] },
    );
    assert.deepEqual(ignored.toSorted(), [
      'dataImageSize',
      'debugSettings',
      'enableDebugger',
      'fireboltVersion',
      'paths',
      'resourceManagerClientEnabled',
    ]);
  });

  test('wrong values are blamed on the member that has them', () => {
    const cases: readonly [string, object][] = [
      ['command', { command: '' }],
      ['appPath', { appPath: '' }],
      ['appPath', { appPath: 'relative' }],
      ['runtimePath', { runtimePath: '/a/../b' }],
      ['envVariables', { envVariables: '["nonsense"]' }],
      ['systemMemoryLimit', { systemMemoryLimit: 1000 }],
    ];
    for (const [member, members] of cases) {
      const expected = refuses('INVALID_ARGUMENT', new RegExp(`^runtimeConfigObject.${member} `));
      assert.throws(() => translate(members), expected, member);
    }
  });
});
