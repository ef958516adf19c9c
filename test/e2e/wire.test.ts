/**
 * Every method on the wire: a real call by WebSocket and by HTTP to a real daemon, with the names, parameters and forms that upstream's
 * interface has (facts/thunder.md §4.1), or a decision that says why not.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { CALLSIGN, METHODS, type MethodName } from '../../src/domain/api.ts';
import { hostApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { PROJECT } from '../lib/pages.ts';
import { SIZE } from '../lib/screens.ts';
import { until } from '../lib/until.ts';
import { WIRE, type WireStage } from '../lib/wire-rows.ts';
import { wrongValues } from '../lib/wrong-values.ts';

const NAMES = Object.keys(METHODS) as readonly MethodName[];
const LIMIT_MS = 60_000;
const PROGRAM = '#!/bin/sh\nmkdir /data/shown\necho "$WORD"\nexec sleep 1000\n';

/** DESIGN §6: upstream's, then ours. */
const DESIGN =
  'run suspend resume hibernate wake terminate kill getInfo annotate mount unmount ' +
  'list removeAnnotation setLimits exec getLogs getEvents explainHibernation generateSpec getHistory getScreenshot';

type Member = { readonly type?: string; readonly anyOf?: readonly Member[] };
type Answer = {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: { readonly code: string; readonly details?: object } };
};

const membersOf = (name: MethodName): Readonly<Record<string, Member>> =>
  (z.toJSONSchema(METHODS[name].params, { io: 'input', unrepresentable: 'any' }).properties ?? {}) as Record<
    string,
    Member
  >;

/** Of a member that takes more than upstream's, all of them. */
const typesOf = ({ type, anyOf = [] }: Member = {}): readonly string[] => [
  ...(type === undefined ? [] : [type]),
  ...anyOf.flatMap(typesOf),
];

test('every method of the design and of the table has a row', () => {
  assert.deepEqual(Object.keys(WIRE).sort(), [...NAMES].sort());
  assert.deepEqual(
    DESIGN.split(' ').filter((name) => !(name in WIRE)),
    [],
  );
});

for (const name of NAMES) {
  test(`${name} takes the members that upstream has, and what is different has its decision`, () => {
    const { upstream, own = [], differs } = WIRE[name];
    const members = membersOf(name);
    const theirs = upstream?.members ?? {};
    assert.deepEqual(Object.keys(members).sort(), [...Object.keys(theirs), ...own].sort());
    for (const [member, type] of Object.entries(theirs)) assert(typesOf(members[member]).includes(type), member);
    if (differs !== undefined) assert(existsSync(join(PROJECT, 'docs/decisions', differs)), differs);
    if (upstream === undefined) return;
    const result = upstream.result === 'null' ? WIRE[name].form.safeParse(null).success : name === 'getInfo';
    assert((own.length === 0 && result) || differs !== undefined, 'a decision says why it is not as upstream has it');
  });
}

type Road = {
  readonly call: (name: string, params: unknown) => Promise<Answer>;
  readonly begin: WireStage['begin'];
  readonly close: () => void;
};
type Where = { readonly address: string; readonly token: string };

async function webSocket({ address, token }: Where): Promise<Road> {
  const socket = new WebSocket(`ws://${address}/jsonrpc?token=${token}`, 'notification');
  const answers = new Map<unknown, Answer>();
  let lastId = 0;
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    answers.set(answer.id, answer);
  });
  await once(socket, 'open');
  const send = (name: string, params: unknown): number => {
    const id = ++lastId;
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: `${CALLSIGN}.1.${name}`, params }));
    return id;
  };
  return {
    call: async (name, params) => {
      const id = send(name, params);
      return until(() => answers.get(id), { what: `${name} is answered`, timeoutMs: LIMIT_MS });
    },
    begin: (name, params) => void send(name, params),
    close: () => {
      socket.terminate();
    },
  };
}

/** As curl does it, with the status lines of Thunder 4 (facts/thunder.md §1.5). */
function http({ address, token }: Where): Road {
  return {
    call: async (name, params) => {
      const response = await fetch(`http://${address}/jsonrpc`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: `${CALLSIGN}.1.${name}`, params }),
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      const answer = (await response.json()) as Answer;
      assert.equal(answer.id, 7);
      assert.equal(response.status, answer.error === undefined ? 200 : 202, name);
      return answer;
    },
    begin: () => undefined,
    close: () => undefined,
  };
}

async function listening() {
  const daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  const [, address = ''] = /ready: listening on \S+ and http:\/\/([\d.:]+)/.exec(daemon.log()) ?? [];
  const token = (await readFile(daemon.places.token, 'utf8')).trim();
  return { daemon, where: { address, token }, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

async function stageOf({ client, directory }: TestDaemon, begin: WireStage['begin']): Promise<WireStage> {
  const [one, other, idleApp] = [uniqueId('wire'), uniqueId('wired'), uniqueId('idle')];
  const appPath = join(directory, 'package');
  await mkdir(appPath, { mode: 0o755 });
  await writeFile(join(appPath, 'calm'), PROGRAM, { mode: 0o755 });
  await client.run(hostApp(other, SLEEP, { display: { ...SIZE, placement: 'host' } }));
  await client.run(hostApp(idleApp, SLEEP));
  await client.kill({ appInstanceId: idleApp });
  return { one, other, idleApp, appPath, shown: appPath, begin };
}

for (const [kind, open] of Object.entries({ WebSocket: webSocket, HTTP: http })) {
  test(`each method by ${kind} works under its name, and its result has its form`, async () => {
    await using at = await listening();
    const road = await open(at.where);
    try {
      const stage = await stageOf(at.daemon, road.begin);
      for (const [name, { params, before, form, refusedByHttp }] of Object.entries(WIRE)) {
        before?.(stage);
        const answer = await road.call(name, params(stage));
        if (kind === 'HTTP' && refusedByHttp !== undefined) {
          assert.equal(answer.error?.code, refusedByHttp, name);
          continue;
        }
        assert.equal(answer.error, undefined, `${name}: ${JSON.stringify(answer.error)}`);
        assert('result' in answer, `${name}: a C++ link takes only these for answers`);
        const read = form.safeParse(answer.result);
        assert(read.success, `${name}: ${read.error?.message ?? ''} in ${JSON.stringify(answer.result).slice(0, 500)}`);
      }
    } finally {
      road.close();
    }
  });
}

/** What the methods need besides the member that is wrong. */
const GOOD = { appId: 'wire', appInstanceId: 'wire', stream: 'wire', key: 'k', value: 'v', since: 0, pids: 9 };
const REST = { args: ['x'], source: '/', destination: '/d', visible: true, zOrder: 1, width: 640, height: 360 };

test('a wrong value in any member of any method is refused with -32602 and that name, and the daemon goes on', async () => {
  await using at = await listening();
  const road = await webSocket(at.where);
  const pid = at.daemon.pid;
  try {
    for (const name of NAMES) {
      const members = membersOf(name);
      const good = Object.fromEntries(Object.entries({ ...GOOD, ...REST }).filter(([member]) => member in members));
      const wrong = wrongValues(METHODS[name].params, good).filter(({ keys }) => keys.length === 1);
      const tried = new Set(wrong.map(({ keys }) => keys[0]));
      assert.deepEqual([...tried].sort(), [...Object.keys(members), 'unheardOf'].sort(), name);
      await Promise.all(
        wrong.map(async ({ keys: [member = ''], value }) => {
          const { error } = await road.call(name, { ...good, [member]: value });
          const told = `${name}, ${member}: ${JSON.stringify(value)} gave ${JSON.stringify(error)}`;
          assert.deepEqual([error?.code, error?.data?.code], [-32_602, 'INVALID_ARGUMENT'], told);
          assert(JSON.stringify(error?.data?.details).includes(`"path":"${member}`), told);
        }),
      );
    }
    assert.deepEqual((await road.call('list', { all: true })).result, []);
  } finally {
    road.close();
  }
  assert.equal(at.daemon.pid, pid);
  assert.doesNotMatch(at.daemon.log(), /"level":(50|60)/);
});
