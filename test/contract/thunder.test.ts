/** What the plugins' users may count on, whatever Thunder does: the client against a server that speaks as facts/thunder.md measured it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refusal } from '../lib/refusal.ts';
import { quietLog, thunderBox, wait, type ThunderBox } from '../lib/thunder-box.ts';
import { CoreError, type Plugin } from '../lib/thunder-server.ts';
import { Thunder } from '../../src/adapters/rdk/thunder.ts';
import { until } from '../lib/until.ts';

const PLUGIN = 'org.rdk.Example';

function offer({ server }: ThunderBox, methods: Plugin['methods']): Plugin {
  const plugin: Plugin = { active: true, methods };
  server.plugins.set(PLUGIN, plugin);
  return plugin;
}

const fail = (code: number, text: string) => () => {
  throw new CoreError(code, text);
};

for (const generation of ['r4', 'r5'] as const) {
  test(`${generation}: a result comes back, also void, text, and one of many frames`, async () => {
    await using box = await thunderBox({ generation });
    offer(box, { echo: ({ text }) => text, nothing: () => null });
    const neighbour = box.thunder.neighbour(PLUGIN);
    assert.equal(await neighbour.call('nothing', {}, wait()), null);
    const long = 'a/b "ü" '.repeat(20_000);
    assert.equal(await neighbour.call('echo', { text: long }, wait()), long);
    const many = Array.from({ length: 50 }, (_, index) => neighbour.call('echo', { text: String(index) }, wait()));
    assert.deepEqual(
      await Promise.all(many),
      many.map((_, index) => String(index)),
    );
  });

  test(`${generation}: every way to fail is an error with its reason and what to do`, async () => {
    await using box = await thunderBox({ generation });
    const plugin = offer(box, {
      general: fail(1, 'ERROR_GENERAL'),
      denied: fail(24, 'method invokation not allowed.'),
      hidden: () => ({ success: false, errorReason: 'Container not found' }),
    });
    const neighbour = box.thunder.neighbour(PLUGIN);
    const reasons: readonly (readonly [method: string, refusal: string, words: RegExp])[] = [
      ['general', 'failed', /ERROR_GENERAL/],
      ['denied', 'not-allowed', /not allowed/],
      ['hidden', 'declined', /Container not found/],
      ['absent', 'unknown-method', /Unknown method/],
    ];
    for (const [method, why, words] of reasons) {
      const error = await refusal(neighbour.call(method, {}, wait()), 'NEIGHBOUR_FAILED', words);
      assert.equal(error.details?.['refusal'], why, method);
      assert.ok(error.next);
    }
    plugin.active = false;
    const inactive = await refusal(neighbour.call('general', {}, wait()), 'NEIGHBOUR_FAILED', /not active/);
    assert.equal(inactive.details?.['refusal'], 'inactive');
    const nobody = box.thunder.neighbour('org.rdk.Nobody').call('x', {}, wait());
    assert.equal((await refusal(nobody, 'NEIGHBOUR_FAILED')).details?.['refusal'], 'unknown-service');
  });

  test(`${generation}: events are heard, also one that comes before the answer that it belongs to`, async () => {
    await using box = await thunderBox({ generation });
    const heard: unknown[] = [];
    offer(box, {
      act: () => {
        box.server.emit(PLUGIN, 'onActed', { clientId: 'a' });
        return null;
      },
    });
    const back = Promise.withResolvers<undefined>();
    const events = {
      onActed: (params: unknown) => {
        heard.push(params);
        throw new Error('a listener of no good');
      },
    };
    const neighbour = box.thunder.neighbour(PLUGIN, { events, onBack: () => back.resolve(undefined) });
    await back.promise;
    await neighbour.call('act', {}, wait());
    assert.deepEqual(heard, [{ clientId: 'a' }]);
  });

  test(`${generation}: after a restart of Thunder, and of the plugin, events and calls go on, and it is told`, async () => {
    await using box = await thunderBox({ generation });
    offer(box, { ping: () => 'pong' });
    let backs = 0;
    let gone = 0;
    let heard = 0;
    const neighbour = box.thunder.neighbour(PLUGIN, {
      events: { onTick: () => heard++ },
      onBack: () => backs++,
      onGone: () => gone++,
    });
    await until(() => backs === 1, { what: 'the plugin is followed' });
    await box.server.stop();
    await until(() => gone === 1, { what: 'the end of Thunder is noticed' });
    await refusal(neighbour.call('ping', {}, wait()), 'NEIGHBOUR_FAILED', /cannot be reached/);
    await box.server.start();
    await until(() => backs === 2, { what: 'the plugin is followed again' });
    box.server.emit(PLUGIN, 'onTick', {});
    assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
    assert.equal(heard, 1);
    box.server.setActive(PLUGIN, false);
    await until(() => gone === 2, { what: 'the end of the plugin is noticed' });
    box.server.setActive(PLUGIN, true);
    await until(() => backs === 3, { what: 'the plugin is followed once more' });
    box.server.emit(PLUGIN, 'onTick', {});
    await neighbour.call('ping', {}, wait());
    assert.equal(heard, 2);
    assert.equal(box.server.connections, 1);
  });
}

test('a plugin that is stopped at first is followed from its start on', async () => {
  await using box = await thunderBox();
  offer(box, {}).active = false;
  let backs = 0;
  box.thunder.neighbour(PLUGIN, { onBack: () => backs++ });
  await until(() => box.server.calls.includes(`Controller.status@${PLUGIN}`), { what: 'its state is asked' });
  box.server.setActive(PLUGIN, true);
  await until(() => backs === 1, { what: 'it is followed' });
});

test('who hangs costs its caller the time limit; the next call goes by another connection and is answered', async () => {
  await using box = await thunderBox({ callTimeoutMs: 300 });
  offer(box, { hang: () => new Promise(() => undefined), ping: () => 'pong' });
  const neighbour = box.thunder.neighbour(PLUGIN);
  assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
  await refusal(neighbour.call('hang', {}, wait()), 'TIMED_OUT', /hang/);
  assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
  await until(() => box.server.connections === 1, { what: 'the stuck connection is closed' });
});

test('a call that hangs holds up no other', async () => {
  await using box = await thunderBox();
  offer(box, { hang: () => new Promise(() => undefined), ping: () => 'pong' });
  const neighbour = box.thunder.neighbour(PLUGIN);
  const stop = new AbortController();
  const hanging = neighbour.call('hang', {}, { ...wait(), signal: stop.signal });
  await until(() => box.server.calls.includes(`${PLUGIN}.hang`), { what: 'it was asked' });
  assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
  stop.abort();
  await refusal(hanging, 'ABORTED');
  await until(() => box.server.connections === 1, { what: 'one connection is left' });
});

test('one that takes connections and answers nothing, or nonsense, is an error in time, and is tried again', async () => {
  await using box = await thunderBox({ callTimeoutMs: 300 });
  offer(box, { ping: () => 'pong' });
  box.server.mood = 'silent';
  const neighbour = box.thunder.neighbour(PLUGIN);
  await refusal(neighbour.call('ping', {}, wait()), 'TIMED_OUT');
  box.server.mood = 'garbage';
  await until(() => refusal(neighbour.call('ping', {}, wait()), 'NEIGHBOUR_FAILED', /no JSON-RPC/), {
    what: 'nonsense is seen',
  });
  box.server.mood = 'empty';
  await until(() => refusal(neighbour.call('ping', {}, wait()), 'NEIGHBOUR_FAILED', /neither result nor error/), {
    what: 'an answer without anything is seen',
  });
  box.server.mood = 'well';
  await until(async () => (await neighbour.call('ping', {}, wait())) === 'pong', { what: 'it answers again' });
});

test('a caller that gives up is let go at once, and its late answer disturbs nobody', async () => {
  await using box = await thunderBox();
  const answer = Promise.withResolvers<string>();
  offer(box, { late: () => answer.promise, ping: () => 'pong' });
  const neighbour = box.thunder.neighbour(PLUGIN);
  const stop = new AbortController();
  const call = neighbour.call('late', {}, { ...wait(), signal: stop.signal });
  await until(() => box.server.calls.includes(`${PLUGIN}.late`), { what: 'it was asked' });
  stop.abort();
  await refusal(call, 'ABORTED');
  answer.resolve('too late');
  assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
});

test('the token of the file is shown, as it is at that moment', async () => {
  await using box = await thunderBox({ token: 'right' });
  offer(box, { ping: () => 'pong' });
  const tokenFile = join(box.directory, 'token');
  const thunder = new Thunder({ url: box.server.url, tokenFile, callTimeoutMs: 10_000, log: quietLog });
  box.held.defer(() => {
    thunder.close();
  });
  const neighbour = thunder.neighbour(PLUGIN);
  await refusal(neighbour.call('ping', {}, wait()), 'NEIGHBOUR_FAILED', /token .* cannot be read/);
  await writeFile(tokenFile, 'wrong\n');
  await refusal(neighbour.call('ping', {}, wait()), 'NEIGHBOUR_FAILED', /403/);
  await writeFile(tokenFile, 'right\n');
  assert.equal(await neighbour.call('ping', {}, wait()), 'pong');
});

test('a closed client ends its connection, its waits and its timers', async () => {
  await using box = await thunderBox();
  offer(box, { hang: () => new Promise(() => undefined) });
  const neighbour = box.thunder.neighbour(PLUGIN);
  const call = neighbour.call('hang', {}, wait());
  await until(() => box.server.calls.includes(`${PLUGIN}.hang`), { what: 'it was asked' });
  box.thunder.close();
  await refusal(call, 'ABORTED');
  await refusal(neighbour.call('hang', {}, wait()), 'ABORTED');
  await until(() => box.server.connections === 0, { what: 'the connection is closed' });
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
  // the server of the test has none
  assert.deepEqual(timers, []);
});
