import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { configSchema, readConfig } from '../../src/config.ts';
import { METHODS } from '../../src/domain/api.ts';
import { appSchema } from '../../src/domain/app.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { readParams } from '../../src/server/validation.ts';
import { readPlatform } from '../../src/spec/platform/platform.ts';
import { platformSchema } from '../../src/spec/platform/schema.ts';
import { dobbyOf, ociOf } from '../lib/spec-apps.ts';
import { withValue, wrongValues, type Wrong } from '../lib/wrong-values.ts';

type Member = { readonly path: string; readonly expected: string; readonly line?: number };

/** One of the named members is the wrong one, something around it, or something in it. */
function blames(error: unknown, { keys }: Wrong, prefix: string): readonly Member[] {
  assert.ok(error instanceof RuntimeError && error.code === 'INVALID_ARGUMENT', String(error));
  assert.ok(error.next !== undefined);
  const members = (error.details?.['members'] ?? []) as readonly Member[];
  const wanted = [prefix, ...keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))]
    .join('')
    .replace(/^\./, '');
  const isNear = ({ path }: Member) => wanted.startsWith(path) || path.startsWith(wanted);
  const own = members.filter((member) => member.path !== 'params' && isNear(member));
  // a wrong member on the top has no path that is shorter
  assert.ok(
    own.length > 0 || members.some(({ path }) => path === '' || path === prefix),
    `${wanted}: ${error.message}`,
  );
  return own;
}

async function refusal(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  assert.fail('nothing was refused');
}

const APP = {
  rootfs: { host: true },
  args: ['x'],
  mounts: [{ source: '/a', destination: '/b' }],
  tmpfs: [{ destination: '/c' }],
  ports: [{ host: 1, app: 1 }],
  display: { width: 1, height: 1 },
};

test('every member of an app, wrong in turn, is refused by name when it is run or specified', async () => {
  const all = wrongValues(appSchema, APP);
  assert.ok(all.length > 300, `${all.length}`);
  for (const wrong of all) {
    for (const name of ['run', 'generateSpec'] as const) {
      const params = { appId: 'a', app: withValue(APP, wrong) };
      blames(await refusal(() => readParams(METHODS[name].params, params, name)), wrong, 'app');
    }
  }
});

/** As Thunder's parser and upstream's generator take it: test/unit/rdk-words.test.ts. */
const isTaken = ({ keys: [name], value }: Wrong): boolean =>
  value === null ||
  name === 'unheardOf' ||
  (typeof value === 'string' && ['envVariables', 'logLevels', 'fkpsFiles'].includes(String(name)));

test("every member of RDK's configuration, wrong in turn, is refused by name, or taken as upstream takes it", async () => {
  const all = wrongValues(runtimeConfigSchema, {});
  assert.ok(all.length > 200, `${all.length}`);
  for (const wrong of all) {
    const params = { appId: 'a', runtimeConfigObject: withValue({}, wrong) };
    if (isTaken(wrong)) readParams(METHODS.run.params, params, 'run');
    else blames(await refusal(() => readParams(METHODS.run.params, params, 'run')), wrong, 'runtimeConfigObject');
  }
});

/** YAML in the form of JSON, a member a line, with comments as RDK's files have them. */
const linesOf = (value: unknown): string => `// a device\n/* of\n ours */\n${JSON.stringify(value, null, 2)}\n`;

/** The line of the last key in {@link linesOf}, from its own text. */
function lineOfKey(text: string, key: string | number): number | undefined {
  const lines = text.split('\n');
  const found = lines.flatMap((line, index) =>
    line.trimStart().startsWith(`${JSON.stringify(key)}:`) ? [index + 1] : [],
  );
  return found.length === 1 ? found[0] : undefined;
}

test('every key of the platform configuration, wrong in turn, is refused with file, key and line', async () => {
  const all = wrongValues(platformSchema, {});
  assert.ok(all.length > 200, `${all.length}`);
  let exact = 0;
  for (const wrong of all) {
    const text = linesOf(withValue({}, wrong));
    const error = await refusal(() => readPlatform(text, '/etc/rdk/rdkappmanagers.json'));
    const own = blames(error, wrong, '');
    assert.match((error as RuntimeError).message, /rdkappmanagers\.json cannot be used: line \d+: /);
    const key = wrong.keys.findLast((one) => typeof one === 'string') ?? '';
    const line = lineOfKey(text, key);
    if (line !== undefined && own[0]?.path.endsWith(key) === true) {
      assert.equal(own[0].line, line, (error as RuntimeError).message);
      exact += 1;
    }
  }
  assert.ok(exact > 150, `${exact}`);
});

test('every setting of the daemon, wrong in turn, is refused with file, member and line', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-wrong-'));
  const file = join(directory, 'config.yaml');
  try {
    const all = wrongValues(configSchema, {});
    assert.ok(all.length > 200, `${all.length}`);
    for (const wrong of all) {
      await writeFile(file, linesOf(withValue({}, wrong)));
      const error = await refusal(() => readConfig(file, true));
      blames(error, wrong, '');
      assert.match((error as RuntimeError).message, /config\.yaml cannot be used: line \d+: /);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

const text = fc.string({ maxLength: 12 });
const list = fc.array(text, { maxLength: 3 });
const anyCapabilities = fc.array(
  fc.oneof(
    fc.constantFrom('wan-lan', 'mapi', 'rialto', 'RUNTIME-HTML', 'thunder', 'home-app', 'local-services-3'),
    text,
    fc
      .tuple(fc.constantFrom('dial-app', 'extramounts', 'additionalconfig', 'spec', 'nothing'), fc.json())
      .map(([name, json]) => `${name}=${json}`),
  ),
  { maxLength: 4 },
);
const anyConfig = fc.record(
  {
    command: text,
    appPath: fc.constantFrom('', '/opt/a', 'x', '/a/../b'),
    runtimePath: fc.constantFrom('', '/opt/r'),
    appType: fc.constantFrom('', 'INTERACTIVE', 'SYSTEM'),
    systemMemoryLimit: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    gpuMemoryLimit: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    envVariables: list.map((lines) => JSON.stringify(lines)),
    fkpsFiles: list.map((names) => JSON.stringify(names)),
    logLevels: list.map((names) => JSON.stringify(names)),
    logFilePath: fc.constantFrom('', '/x'),
    dial: fc.boolean(),
    dialId: text,
    thunder: fc.boolean(),
    wanLanAccess: fc.boolean(),
    mapi: fc.boolean(),
    unpackedPath: fc.constantFrom('', '/data.img'),
    capabilities: anyCapabilities.map((names) => names.join(',')),
  },
  { requiredKeys: ['command'] },
);

test("whatever RDK's words are, they become a specification or a refusal that says what to do; never a crash", () => {
  let made = 0;
  fc.assert(
    fc.property(anyConfig, (runtimeConfig) => {
      for (const make of [() => ociOf({ runtimeConfig }).config, () => dobbyOf({ runtimeConfig }).spec]) {
        try {
          make();
          made += 1;
        } catch (error) {
          assert.ok(
            error instanceof RuntimeError && error.code !== 'INTERNAL' && error.next !== undefined,
            String(error),
          );
        }
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(made > 0);
});
