/** What an app writes, while it lives and after its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { exitOf, outputOf, perl, runApp, shell } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';

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

test('a log does not grow beyond its size, and its end is kept', async () => {
  const logMaxBytes = 65_536;
  await using daemon = await startDaemon({ config: { logMaxBytes } });
  const { client } = daemon;
  const id = await runApp(client, 'chatter', perl('print "line $_ ", "x" x 80, "\\n" for 1..5000'));
  await exitOf(client, id);
  const texts = await outputOf(client, id);
  assert.match(texts.at(-1) ?? '', /^line 5000 x+$/);
  assert(texts.length < 1000, `${texts.length} lines of 5000`);
});
