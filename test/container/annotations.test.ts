/** Notes with an instance, and its history: both on disk, in every state, over restarts of the daemon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, exitOf, hostApp, inWords, runApp, shell, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';

const notesOf = async (client: Client, appInstanceId: string) => {
  const { annotations, annotationRevision: revision } = await client.getInfo({ appInstanceId });
  return { annotations, revision };
};

test('annotations are there in every state, and after kill -9 of the daemon', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'noted', SLEEP);
  const { revision: first } = await notesOf(daemon.client, id);
  const note = (key: string, value: string) => daemon.client.annotate({ appInstanceId: id, key, value });
  const states = {
    RUNNING: async () => undefined,
    SUSPENDED: () => daemon.client.suspend({ appInstanceId: id }),
    HIBERNATED: () => daemon.client.hibernate({ appInstanceId: id }),
    TERMINATED: () => daemon.client.kill({ appInstanceId: id }),
  };
  for (const [state, reach] of Object.entries(states)) {
    await reach();
    assert.deepEqual(await note(state, 'was here'), { already: false });
    assert.equal(await stateOf(daemon.client, id), state);
  }
  assert.deepEqual(await note('SUSPENDED', 'was here'), { already: true }, 'it was so already');
  await daemon.kill9();
  await daemon.start();
  const after = await notesOf(daemon.client, id);
  assert.deepEqual(Object.keys(after.annotations).sort(), Object.keys(states).sort());
  assert.equal(after.revision, first + 4);
  assert.deepEqual(await daemon.client.removeAnnotation({ appInstanceId: id, key: 'RUNNING' }), { already: false });
  assert.deepEqual(await daemon.client.removeAnnotation({ appInstanceId: id, key: 'RUNNING' }), { already: true });
  const told = (await eventsOf(daemon.client, id)).flatMap((event) =>
    event.type === 'annotated' ? [[event.key, event.value, event.revision, event.by]] : [],
  );
  assert.deepEqual(told, [
    ...Object.keys(states).map((state, index) => [state, 'was here', first + 1 + index, 'the unix socket']),
    ['RUNNING', null, first + 5, 'the unix socket'],
  ]);
});

test('of many who change the same annotation at once, each with the revision he has seen, one succeeds each time', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'contended', SLEEP);
  const { revision } = await notesOf(client, appInstanceId);
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => client.annotate({ appInstanceId, key: 'k', value: `${index}`, revision })),
  );
  assert.equal(attempts.filter(({ status }) => status === 'fulfilled').length, 1);
  const { details } = await helpfulRefusal(
    client.annotate({ appInstanceId, key: 'k', value: 'late', revision }),
    'CONFLICT',
    /revision/,
  );
  assert.equal(details?.['revision'], revision + 1);
  await refusal(client.removeAnnotation({ appInstanceId, key: 'k', revision }), 'CONFLICT');
  // counted up by eight at once, without a loss
  await client.annotate({ appInstanceId, key: 'n', value: '0' });
  const countUp = async (): Promise<void> => {
    const { annotations, revision: seen } = await notesOf(client, appInstanceId);
    const value = String(Number(annotations['n']) + 1);
    await client.annotate({ appInstanceId, key: 'n', value, revision: seen }).catch(countUp);
  };
  await Promise.all(Array.from({ length: 8 }, countUp));
  assert.equal((await notesOf(client, appInstanceId)).annotations['n'], '8');
});

test('annotations of any name are kept, within bounds; a new run begins with none', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = uniqueId('bounded');
  await client.run(hostApp(id, SLEEP));
  const note = (key: string, value: string) => client.annotate({ appInstanceId: id, key, value });
  for (const key of ['', 'a\nb', 'x'.repeat(129)]) await refusal(note(key, 'v'), 'INVALID_ARGUMENT', /key/);
  await refusal(note('k', 'x'.repeat(1025)), 'INVALID_ARGUMENT', /value/);
  for (const key of ['__proto__', 'constructor', 'größe=😀']) await note(key, key);
  const { annotations } = await notesOf(client, id);
  assert.deepEqual(Object.entries(annotations).flat(), [
    ...['__proto__', '__proto__', 'constructor', 'constructor', 'größe=😀', 'größe=😀'],
  ]);
  await Promise.all(Array.from({ length: 61 }, (_, index) => note(`k${index}`, 'v')));
  await helpfulRefusal(note('one more', 'v'), 'NO_SPACE', /64/);
  await note('k1', 'another value');
  const before = await notesOf(client, id);
  await client.kill({ appInstanceId: id });
  await client.run(hostApp(id, SLEEP));
  const after = await notesOf(client, id);
  assert.deepEqual(after.annotations, {});
  assert(after.revision > before.revision, 'who has seen the last run does not take this one for it');
});

test('an operation that is at work loses no annotation, and none waits for it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'busy', SLEEP);
  const notes = async (): Promise<void> => {
    for (let index = 0; index < 20; index++) await client.annotate({ appInstanceId: id, key: `${index}`, value: 'v' });
  };
  const life = async (): Promise<void> => {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    await client.suspend({ appInstanceId: id });
  };
  await Promise.all([notes(), life()]);
  assert.equal(Object.keys((await notesOf(client, id)).annotations).length, 20);
  assert.equal(await stateOf(client, id), 'SUSPENDED');
});

test('the history of an instance tells what happened, who asked, why and how long, also long after its end', async () => {
  await using daemon = await startDaemon({ config: { keepEnded: 1 } });
  const { client } = daemon;
  const id = await runApp(client, 'told', SLEEP);
  await client.suspend({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  const { entries, exit, complete, state } = await client.getHistory({ appInstanceId: id });
  assert.equal(complete, true);
  assert.equal(state, 'TERMINATED');
  assert.equal(exit?.cause, 'terminated');
  assert.deepEqual(
    entries.filter(({ type }) => type === 'stateChanged').map(({ why, state: then, by }) => [then, why, by]),
    [
      ['STARTING', 'run', 'the unix socket'],
      ['RUNNING', 'started', 'the unix socket'],
      ['SUSPENDED', 'suspend', 'the unix socket'],
      ['TERMINATING', 'terminate', 'the unix socket'],
      ['TERMINATED', 'terminate', 'the unix socket'],
    ],
  );
  for (const { type, lastedMs, state: then } of entries) {
    assert.equal(lastedMs !== null, type === 'stateChanged' && then !== 'TERMINATED');
  }
  const last = await client.getHistory({ appInstanceId: id, limit: 2 });
  assert.deepEqual(
    last.entries.map(({ type }) => type),
    ['stateChanged', 'terminated'],
  );
  assert.equal(last.complete, false);
  // an end that nobody asked for; and with it the first one is forgotten, but for its events
  const other = await runApp(client, 'failing', shell('exit 3'));
  await exitOf(client, other);
  await client.kill({ appInstanceId: other });
  const end = (await client.getHistory({ appInstanceId: other })).entries.at(-1);
  assert.deepEqual([end?.what, end?.by], ['terminated: exited (code 3)', null]);
  await client.kill({ appInstanceId: await runApp(client, 'next', SLEEP) });
  await client.kill({ appInstanceId: await runApp(client, 'and-next', SLEEP) });
  await refusal(client.getInfo({ appInstanceId: id }), 'NOT_FOUND');
  const later = await client.getHistory({ appInstanceId: id });
  assert.equal(later.state, null);
  assert.deepEqual(later.entries, entries);
  assert.deepEqual(later.exit, exit);
  assert.deepEqual(inWords(await eventsOf(client, id)).length, entries.length);
  await refusal(client.getHistory({ appInstanceId: 'nobody' }), 'NOT_FOUND', /nobody/);
});
