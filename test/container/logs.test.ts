/** What an app writes, while it lives and after its end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { exitOf, outputOf, perl, runApp, shell } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { finish, startRuntimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

/** As `logs -f`: until everything was read. */
async function follow(client: Client, appInstanceId: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.getLogs({ appInstanceId, waitMs: 2000, ...(cursor !== undefined && { cursor }) });
    texts.push(...page.lines.map((line) => line.text));
    if (page.ended) return texts;
    cursor = page.cursor;
  }
}

test('who follows a log gets every line once, and is told when there will be no more', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(
    client,
    'talker',
    perl('$| = 1; for (1..300) { print "line $_\\n"; select undef, undef, undef, 0.002 }'),
  );
  const expected = Array.from({ length: 300 }, (_, index) => `line ${index + 1}`);
  assert.deepEqual(await follow(client, id), expected);
  assert.deepEqual(await follow(client, id), expected, 'the log outlives the app');
  const tail = await client.getLogs({ appInstanceId: id, tail: 2 });
  assert.deepEqual(
    tail.lines.map((line) => line.text),
    ['line 299', 'line 300'],
  );
  await daemon.kill9();
  await daemon.restart();
  assert.deepEqual(await follow(daemon.client, id), expected, 'and the daemon');
});

test('stdout and stderr are told apart, and the last words without a newline are there', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'streams', shell('echo out; echo err >&2; printf "no newline"'));
  await exitOf(client, id);
  const { lines } = await client.getLogs({ appInstanceId: id });
  const words = lines.map(({ stream, text }) => `${stream}: ${text}`).sort();
  assert.deepEqual(words, ['stderr: err', 'stdout: no newline', 'stdout: out']);
});

/** Fast enough that conmon rotates its file while it is read. */
const FLOOD = 250_000;
const flood = perl(
  `$| = 1; print "line 0\\n"; $| = 0; select undef, undef, undef, 0.01 until -e "/data/go"; print "line $_ ", "x" x 60, "\\n" for 1..${FLOOD}`,
);

test('who follows a flood over rotations gets every line once, or is told where some are missing', async () => {
  await using daemon = await startDaemon({ config: { logMaxBytes: 8 * 2 ** 20 } });
  const id = await runApp(daemon.client, 'flood', flood);
  const child = startRuntimectl(['--json', 'logs', '-f', '--since-start', id], { root: daemon.root });
  const outcome = finish(child);
  const { storage } = await daemon.client.getInfo({ appInstanceId: id });
  await once(child.stdout, 'data');
  await writeFile(`${storage}/go`, '');
  const { stdout } = await outcome;
  let [last, isGap, piece] = [-1, false, ''];
  for (const text of stdout.trimEnd().split('\n')) {
    const { gap, text: read = '', partial } = JSON.parse(text) as { gap?: true; text?: string; partial?: boolean };
    const words: string = piece + read;
    piece = partial === true ? words : '';
    if (gap === true) [isGap, piece] = [true, ''];
    // the end of a line whose beginning is lost
    const isTorn = isGap && !words.startsWith('line ');
    if (gap === true || partial === true || isTorn) continue;
    const number = Number(/^line (\d+)( x{60})?$/.exec(words)?.[1]);
    assert(number === last + 1 || (isGap && number > last), `line ${number} after ${last}, marked: ${isGap}`);
    [last, isGap] = [number, false];
  }
  assert.equal(last, FLOOD);
  const left = await daemon.client.getLogs({ appInstanceId: id, tail: 20_000, limit: 10_000 });
  assert.equal(left.lines.length > 0 && left.gap, undefined);
});

test('bytes of any kind go through a pipe as the app wrote them', async () => {
  await using daemon = await startDaemon();
  const script =
    'binmode STDOUT; srand 7; $| = 1; for (1..20) { print pack "C*", map { int rand 256 } 1..9999 } print "\\n"';
  const id = await runApp(
    daemon.client,
    'bytes',
    perl(`sub out { ${script} } out; open O, ">", "/data/written"; *STDOUT = *O; out`),
  );
  assert.equal((await exitOf(daemon.client, id)).code, 0);
  const written = await readFile(`${(await daemon.client.getInfo({ appInstanceId: id })).storage}/written`);
  const child = startRuntimectl(['logs', id], { root: daemon.root });
  const chunks = await child.stdout.toArray();
  assert(Buffer.concat(chunks as Buffer[]).equals(written), `${written.length} bytes were written`);
});

test('the log of a crashed run is kept over its restart', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script =
    'if [ -e /data/again ]; then echo second; sleep 1000; fi; touch /data/again; echo "why it crashed"; exit 3';
  const id = await runApp(client, 'crashing', shell(script), { restart: { policy: 'on-failure', backoffMs: 50 } });
  const seen: string[] = [];
  let cursor: string | undefined;
  await until(
    async () => {
      const page = await client.getLogs({ appInstanceId: id, waitMs: 500, ...(cursor !== undefined && { cursor }) });
      assert(!page.ended && page.gap === undefined);
      seen.push(...page.lines.map(({ text }) => text));
      cursor = page.cursor;
      return seen.includes('second');
    },
    { what: 'it runs again' },
  );
  assert.deepEqual(seen, ['why it crashed', 'second'], 'who follows hears of both runs');
  assert.deepEqual(await outputOf(client, id), ['second']);
  const previous = await finish(startRuntimectl(['logs', '--previous', id], { root: daemon.root }));
  assert.deepEqual(previous, { code: 0, stdout: 'why it crashed\n', stderr: '' });
});

test('a log does not grow beyond its size, and its end is kept', async () => {
  const logMaxBytes = 65_536;
  await using daemon = await startDaemon({ config: { logMaxBytes } });
  const { client } = daemon;
  const id = await runApp(client, 'chatter', perl('print "line $_ ", "x" x 80, "\\n" for 1..5000'));
  await exitOf(client, id);
  const texts = await follow(client, id);
  assert(texts.includes(`line 5000 ${'x'.repeat(80)}`));
  assert(texts.length < 1000, `${texts.length} lines of 5000`);
});
