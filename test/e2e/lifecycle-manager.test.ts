/**
 * What RDK's LifecycleManager does with a runtime manager (facts/thunder.md §4.5), through Thunder's JSON-RPC on a WebSocket and
 * nothing else: on a real daemon, with real hibernation, and without our own client.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { until } from '../lib/until.ts';

const CALLSIGN = 'org.rdk.RuntimeManager';
/** Of a C++ JSON-RPC link: `<name>.<n>`. */
const CLIENT_ID = 'LifecycleManager.1';
const EVENTS = ['onStarted', 'onTerminated', 'onFailure', 'onStateChanged'];

type Params = { readonly appInstanceId: string; readonly state?: string; readonly exitCode?: number };
type Message = { readonly id?: number; readonly method?: string; readonly params?: Params; readonly error?: object };
type Heard = { readonly event: string; readonly params: Params };

/** Where the daemon listens by TCP, from its log. */
function addressOf(daemon: TestDaemon): string {
  const [, address] = /ready: listening on \S+ and http:\/\/([\d.:]+)/.exec(daemon.log()) ?? [];
  assert(address !== undefined, 'it listens by TCP');
  return address;
}

class Link implements Disposable {
  readonly heard: Heard[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, Message>();
  #lastId = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      if (message.id !== undefined) this.#answers.set(message.id, message);
      else if (message.params !== undefined) {
        const event = message.method?.slice(CLIENT_ID.length + 1) ?? '';
        this.heard.push({ event, params: message.params });
      }
    });
  }

  static async open(daemon: TestDaemon): Promise<Link> {
    const token = (await readFile(daemon.places.token, 'utf8')).trim();
    const socket = new WebSocket(`ws://${addressOf(daemon)}/jsonrpc?token=${token}`, 'notification');
    const link = new Link(socket);
    await once(socket, 'open');
    return link;
  }

  /** The result. Throws what Thunder's clients get as `error`. */
  async call(designator: string, params?: object): Promise<unknown> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: designator, params }));
    const answer = await until(() => this.#answers.get(id), { what: `${designator} is answered`, timeoutMs: 60_000 });
    assert(answer.error === undefined, `${designator}: ${JSON.stringify(answer.error)}`);
    assert('result' in answer, 'a C++ link takes only these for answers');
    return answer.result;
  }

  async untilState(appInstanceId: string, state: string): Promise<void> {
    const isIt = ({ event, params }: Heard): boolean =>
      event === 'onStateChanged' && params.appInstanceId === appInstanceId && params.state === `RUNTIME_STATE_${state}`;
    await until(() => this.heard.some(isIt), {
      what: `${appInstanceId} is told to be ${state}`,
      timeoutMs: 60_000,
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

/** Counts, and keeps what it was told by its environment. */
const PROGRAM = `#!/usr/bin/perl
open(my $e, ">", "/data/env"); print $e "$_=$ENV{$_}\\n" for qw(FIREBOLT_ENDPOINT TARGET_STATE); close($e);
my $n = 0;
while (1) { open(my $o, ">", "/data/count.new"); print $o ++$n; close($o); rename("/data/count.new", "/data/count"); select(undef, undef, undef, 0.01) }
`;

/** As the package manager hands it over and LoadingState completes it: every member is there. */
const runtimeConfigOf = (appId: string, appPath: string, environment: readonly string[]) => ({
  ...{ dial: false, wanLanAccess: false, thunder: false, systemMemoryLimit: 128 * 2 ** 20, gpuMemoryLimit: 0 },
  envVariables: JSON.stringify(environment),
  ...{ userId: 0, groupId: 0, dataImageSize: 0, resourceManagerClientEnabled: true, dialId: appId, command: 'counter' },
  ...{ appType: 'INTERACTIVE', appPath, runtimePath: '', logFilePath: '', logFileMaxSize: 0, logLevels: '[]' },
  ...{ mapi: false, fkpsFiles: '[]', capabilities: '', ralfPkgPath: '', fireboltVersion: '1.0', enableDebugger: false },
  unpackedPath: '',
});

async function packageIn(daemon: TestDaemon): Promise<string> {
  const directory = join(daemon.directory, 'package');
  await mkdir(directory, { mode: 0o755 });
  await writeFile(join(directory, 'counter'), PROGRAM, { mode: 0o755 });
  return directory;
}

test('what LifecycleManager does with an app, from loading to its end, through a WebSocket only', async () => {
  await using daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  const appPath = await packageIn(daemon);
  using link = await Link.open(daemon);
  const status = await link.call(`Controller.1.status@${CALLSIGN}`);
  assert.partialDeepStrictEqual(status, [{ callsign: CALLSIGN, state: 'activated' }]);
  for (const event of EVENTS) assert.equal(await link.call(`${CALLSIGN}.1.register`, { event, id: CLIENT_ID }), 0);

  const appId = 'com.example.lifecycle';
  const appInstanceId = randomUUID();
  const environment = [`FIREBOLT_ENDPOINT=ws://127.0.0.1:3473/?session=${appInstanceId}`, 'TARGET_STATE=3'];
  const call = (method: string, params: object = {}): Promise<unknown> =>
    link.call(`${CALLSIGN}.1.${method}`, { appInstanceId, ...params });
  const info = async () =>
    JSON.parse((await call('getInfo')) as string) as { readonly state: string; readonly storage: string };

  await call('run', {
    ...{ appId, userId: 0, groupId: 0, ports: [3473], paths: [], debugSettings: [] },
    runtimeConfigObject: runtimeConfigOf(appId, appPath, environment),
  });
  await link.untilState(appInstanceId, 'RUNNING');
  const { state, storage } = await info();
  assert.equal(state, 'RUNNING');
  const count = (): number =>
    Number(existsSync(join(storage, 'count')) ? readFileSync(join(storage, 'count'), 'utf8') : 0);
  await until(() => count() > 0, { what: 'the app counts' });
  assert.deepEqual(readFileSync(join(storage, 'env'), 'utf8').trim().split('\n'), environment);

  // HibernatedState, then SuspendedState, then ActiveState
  assert.equal(await call('hibernate'), null);
  await link.untilState(appInstanceId, 'HIBERNATED');
  const slept = count();
  assert.equal(await call('wake', { runtimeState: 'RUNTIME_STATE_SUSPENDED' }), null);
  await link.untilState(appInstanceId, 'SUSPENDED');
  assert.equal((await info()).state, 'SUSPENDED');
  assert.equal(await call('hibernate'), null);
  assert.equal(await call('wake', { runtimeState: 'RUNTIME_STATE_RUNNING' }), null);
  assert.equal((await info()).state, 'RUNNING');
  await until(() => count() > slept, { what: 'the app goes on counting' });

  // TerminatingState
  assert.equal(await call('kill'), null);
  const ends = (): readonly Heard[] => link.heard.filter(({ event }) => event === 'onTerminated');
  await until(() => ends().length > 0, { what: 'the end is told' });
  // whatever else was to come has come before the answers of these
  assert.equal((await info()).state, 'TERMINATED');
  await call('kill');
  assert.deepEqual(ends(), [{ event: 'onTerminated', params: { appInstanceId, exitCode: 137 } }]);
  assert(link.heard.every(({ params }) => params.appInstanceId === appInstanceId));
  assert.deepEqual(
    link.heard.flatMap(({ event, params }) => (event === 'onFailure' ? [params] : [])),
    [],
  );
  assert.deepEqual(
    link.heard.flatMap(({ params }) => params.state?.replace('RUNTIME_STATE_', '') ?? []),
    [
      ...['STARTING', 'RUNNING', 'HIBERNATING', 'HIBERNATED', 'WAKING', 'SUSPENDED'],
      ...['HIBERNATING', 'HIBERNATED', 'WAKING', 'RUNNING', 'TERMINATING', 'TERMINATED'],
    ],
  );
  await checkHouse(daemon);
});
