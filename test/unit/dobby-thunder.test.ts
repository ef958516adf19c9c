/** What is looked for before Dobby is asked to start an app with its plugin thunder (ThunderPlugin.cpp). */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkThunder } from '../../src/adapters/dobby/thunder.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const SPEC = { rdkPlugins: { thunder: { required: true, data: { bearerUrl: 'http://local-services-5.sky.com' } } } };
const WITHOUT = 'bearerUrl set in config but Dobby built without SecurityAgent support. Cannot generate token';

test('an app that wants Thunder is refused by name where Dobby would only say -1, and told what it does not get', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rmt-thunder-'));
  const put = async (path: string, text = ''): Promise<void> => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const check = (spec: object = SPEC) => checkThunder(spec, root);
  try {
    assert.deepEqual(await check({ rdkPlugins: {} }), []);
    await helpfulRefusal(check(), 'NEIGHBOUR_FAILED', /communicator/);
    await put('/usr/lib/plugins/dobby/libLoggingPlugin.so.1');
    await helpfulRefusal(check(), 'NOT_SUPPORTED', /without its plugin thunder/);
    await put('/usr/lib/plugins/dobby/libThunderPlugin.so.1', `elf\0${WITHOUT}\0`);
    await helpfulRefusal(check(), 'NEIGHBOUR_FAILED', /communicator/);
    await put('/tmp/communicator');
    assert.match((await check()).join(), /no token.*without SecurityAgent/);
    await put('/usr/lib/plugins/dobby/libThunderPlugin.so.1', 'elf');
    await helpfulRefusal(check(), 'NEIGHBOUR_FAILED', /SecurityAgent\/token/);
    assert.deepEqual(await check({ rdkPlugins: { thunder: { data: {} } } }), []);
    await put('/tmp/SecurityAgent/token');
    assert.deepEqual(await check(), []);
  } finally {
    await rm(root, { recursive: true });
  }
});
