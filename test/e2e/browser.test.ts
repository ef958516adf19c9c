/** The client in a real browser, with a real daemon. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { browserClient, openPage } from '../lib/browser.ts';
import { startDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { blockOf } from '../lib/pages.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 60_000;

/** Runs in the page. `told` is what it has found out; a fault is told too. */
const LIFE = `
import { connect, RuntimeError } from './browser.js';
const { address, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });
const codeOf = (error) => (error instanceof RuntimeError ? error.code : String(error));
const told = {};
try {
  const manager = await connect(address, { token });
  const types = [];
  manager.on('event', ({ seq, type }) => types.push([seq, type]));
  const one = { appInstanceId: 'web-1' };
  await manager.run({ appId: 'com.example.web', ...one, app: { rootfs: { host: true }, args: ['/bin/sleep', '600'] } });
  await manager.suspend(one);
  told.state = (await manager.getInfo(one)).state;
  const seen = [];
  const following = (async () => {
    for await (const item of manager.events({ since: 0 })) {
      seen.push(item.seq);
      if (item.type === 'terminated') return;
    }
  })();
  await post('/restart', {});
  await manager.resume(one);
  await manager.kill(one);
  await following;
  told.seen = seen;
  told.types = types;
  const [notFound, aborted, timedOut] = await Promise.all([
    manager.suspend({ appInstanceId: 'nobody' }).catch(codeOf),
    manager.list({}, { signal: AbortSignal.abort() }).catch(codeOf),
    manager.getLogs({ ...one, cursor: '', waitMs: 0 }, { timeoutMs: 0 }).catch(codeOf),
  ]);
  told.codes = { notFound, aborted, timedOut };
  told.wrongToken = await connect(address, { token: 'wrong' }).catch(codeOf);
  told.nobody = await connect('ws://127.0.0.1:1').catch(codeOf);
  told.noAddress = await connect('tv').catch(codeOf);
  manager.close();
  told.closed = await manager.list().catch(codeOf);
} catch (error) {
  told.fault = String(error?.stack ?? error);
}
await post('/told', told);
`;

type Told = {
  readonly fault?: string;
  readonly seen: readonly number[];
  readonly types: readonly (readonly [seq: number, type: string])[];
};

async function listening() {
  const address = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({ args: ['--listen', address] });
  const token = (await readFile(daemon.places.token, 'utf8')).trim();
  return { daemon, address, token, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

test('a page in Chromium leads an app through its life, over a restart of the daemon', async () => {
  await using at = await listening();
  let told: Told | undefined;
  await using _page = await openPage({
    files: {
      '/': '<!doctype html><script type="module" src="/life.js"></script>',
      '/life.js': LIFE,
      '/browser.js': await browserClient(),
    },
    hash: new URLSearchParams({ address: `ws://${at.address}`, token: at.token }).toString(),
    heard: {
      '/restart': () => at.daemon.restart(),
      '/told': (body) => (told = JSON.parse(body) as Told),
    },
  });
  const { fault, seen, types, ...rest } = await until(() => told, { what: 'the page has told', timeoutMs: LIMIT_MS });
  assert.equal(fault, undefined);
  assert.deepEqual(rest, {
    state: 'SUSPENDED',
    codes: { notFound: 'NOT_FOUND', aborted: 'ABORTED', timedOut: 'TIMED_OUT' },
    wrongToken: 'UNREACHABLE',
    nobody: 'UNREACHABLE',
    noAddress: 'INVALID_ARGUMENT',
    closed: 'UNREACHABLE',
  });
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  assert.deepEqual(seen, upTo(seen.length));
  assert.deepEqual(
    types.map(([seq]) => seq),
    upTo(types.length),
  );
  assert.ok(types.some(([, type]) => type === 'terminated'));
});

test('the page of docs/client.md shows each event of the daemon', async () => {
  await using at = await listening();
  const { client } = at.daemon;
  const page = blockOf('docs/client.md', '## In a browser', 'html').replaceAll('127.0.0.1:9998', at.address);
  const look = `<script>
    setInterval(() => fetch('/shown', { method: 'POST', body: document.querySelector('ul').innerText }), 50);
  </script>`;
  let shown = '';
  await using _page = await openPage({
    files: { '/': `${page}${look}`, '/browser.js': await browserClient() },
    hash: `token=${at.token}`,
    heard: { '/shown': (body) => (shown = body) },
  });
  const one = { appInstanceId: 'web-2' };
  await client.run({ appId: 'com.example.web', ...one, app: { rootfs: { host: true }, args: ['/bin/sleep', '600'] } });
  await client.kill(one);
  const { events } = await client.getEvents({ since: 0 });
  const expected = events.map(({ seq, type }) => `${seq} web-2 ${type}`).join('\n');
  await until(() => shown.includes('terminated'), { what: 'the page shows the end', timeoutMs: LIMIT_MS });
  assert.equal(shown.split('terminated')[0], expected.split('terminated')[0]);
});
