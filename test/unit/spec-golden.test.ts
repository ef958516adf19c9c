import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { dobbySpecSchema } from '../../src/spec/dobby/schema.ts';
import type { OciConfig } from '../../src/spec/oci-types.ts';
import { GOLDEN_APPS } from '../lib/golden-apps.ts';
import { ociSchemaErrors } from '../lib/oci-schema.ts';
import { dobbyOf, ociOf, textOf } from '../lib/spec-apps.ts';

const directory = join(import.meta.dirname, '..', 'golden', 'spec');
/** `RUNTIME_MANAGER_GOLDEN=write npm test -- test/unit/spec-golden.test.ts` writes them anew, to be read in the diff. */
const isWriting = process.env['RUNTIME_MANAGER_GOLDEN'] === 'write';
if (isWriting) mkdirSync(directory, { recursive: true });

function compare(name: string, text: string): void {
  const file = join(directory, name);
  if (isWriting) writeFileSync(file, text);
  else assert.equal(text, readFileSync(file, 'utf8'), `${name} is another one now`);
}

/** The same for every app, and long: in one file only. */
function withoutSeccomp(name: string, config: OciConfig): object {
  if (name === 'host') return config;
  const { seccomp: _seccomp, ...linux } = config.linux;
  return { ...config, linux };
}

const isRefused = (text: string): boolean => text.startsWith('{\n  "refused"');

describe('the specifications of many apps are what they were', () => {
  for (const [name, one] of Object.entries(GOLDEN_APPS)) {
    test(`${name}: OCI`, () => {
      const text = textOf(() => withoutSeccomp(name, ociOf(one).config));
      compare(`${name}.oci.json`, text);
      if (isRefused(text)) return;
      const { config } = ociOf(one);
      assert.deepEqual(ociSchemaErrors(config), []);
      assert.deepEqual(
        config.linux.seccomp,
        ociOf({ app: { rootfs: { host: true }, args: ['x'] } }).config.linux.seccomp,
      );
    });

    test(`${name}: Dobby`, () => {
      const text = textOf(() => dobbyOf(one).spec);
      compare(`${name}.dobby.json`, text);
      if (!isRefused(text)) dobbySpecSchema.parse(JSON.parse(text));
    });
  }

  test('there is no file that no app has', () => {
    const names = Object.keys(GOLDEN_APPS).flatMap((name) => [`${name}.oci.json`, `${name}.dobby.json`]);
    assert.deepEqual(readdirSync(directory).sort(), names.sort());
    const count = (suffix: string) =>
      names.filter((name) => name.endsWith(suffix) && !isRefused(readFileSync(join(directory, name), 'utf8'))).length;
    assert.ok(count('.oci.json') >= 15 && count('.dobby.json') >= 15, `${count('.oci.json')}, ${count('.dobby.json')}`);
  });
});
