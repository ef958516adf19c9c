/**
 * A JSON-RPC link of Thunder's over a real WebSocket, without our own client. Messages are dealt with one after the other, in the order
 * of the wire, and whoever waits for an answer goes on before the next message is looked at.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import type { TestDaemon } from './daemon.ts';
import { until } from './until.ts';

export const CALLSIGN = 'org.rdk.RuntimeManager';
/** Of a C++ JSON-RPC link: `<name>.<n>`. */
const CLIENT_ID = 'LifecycleManager.1';
const EVENTS = ['onStarted', 'onTerminated', 'onFailure', 'onStateChanged'] as const;
const CALL_MS = 60_000;
const CLOSED = { code: 1, message: 'the link is closed' };

export type EventParams = {
  readonly appInstanceId: string;
  readonly state?: string;
  readonly exitCode?: number;
  readonly error?: string;
};
/** `at`: performance.now() when it came. */
export type Heard = { readonly event: string; readonly params: EventParams; readonly at: number };
export type Answer = {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
};
/** What was sent and what came, in the order of the wire; `what`: the method, the state or the event. */
export type Traffic = {
  readonly way: 'asked' | 'answered' | 'told';
  readonly what: string;
  readonly appInstanceId: string | undefined;
  readonly at: number;
};

type Asked = { readonly appInstanceId?: string } & Readonly<Record<string, unknown>>;
type Message = Answer & { readonly id?: number; readonly method?: string; readonly params?: EventParams };
type Listener = (event: string, params: EventParams) => void;

/** Where the daemon listens by TCP, from the last line of its log that says so. */
function addressOf(daemon: TestDaemon): string {
  const address = [...daemon.log().matchAll(/ready: listening on \S+ and http:\/\/([\d.:]+)/g)].at(-1)?.[1];
  assert(address !== undefined, 'it listens by TCP');
  return address;
}

export class ThunderLink implements Disposable {
  readonly heard: Heard[] = [];
  readonly traffic: Traffic[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer, at: number) => void>();
  readonly #listener: Listener | undefined;
  readonly #inbox: { readonly text: string; readonly at: number }[] = [];
  #lastId = 0;

  private constructor(socket: WebSocket, listener: Listener | undefined) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      this.#inbox.push({ text: data.toString(), at: performance.now() });
      if (this.#inbox.length === 1) setImmediate(() => this.#next());
    });
    socket.on('close', () => {
      for (const answer of this.#waiting.values()) answer({ error: CLOSED }, performance.now());
      this.#waiting.clear();
    });
  }

  static async open(daemon: TestDaemon, listener?: Listener): Promise<ThunderLink> {
    const token = (await readFile(daemon.places.token, 'utf8')).trim();
    const socket = new WebSocket(`ws://${addressOf(daemon)}/jsonrpc?token=${token}`, 'notification');
    const link = new ThunderLink(socket, listener);
    await once(socket, 'open');
    return link;
  }

  /** For upstream's events of every instance. */
  async register(): Promise<void> {
    for (const event of EVENTS) assert.equal(await this.call(`${CALLSIGN}.1.register`, { event, id: CLIENT_ID }), 0);
  }

  /** What is answered, an error as well. */
  ask(designator: string, params?: Asked): Promise<Answer> {
    const id = ++this.#lastId;
    const subject = { what: designator.split('.').at(-1) ?? '', appInstanceId: params?.appInstanceId };
    this.traffic.push({ way: 'asked', ...subject, at: performance.now() });
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: designator, params }));
    return new Promise<Answer>((resolve) => {
      const timer = setTimeout(() => resolve({ error: { code: 11, message: 'no answer' } }), CALL_MS);
      this.#waiting.set(id, (answer, at) => {
        clearTimeout(timer);
        this.traffic.push({ way: 'answered', ...subject, at });
        resolve(answer);
      });
    });
  }

  /** The result. Throws what Thunder's clients get as `error`. */
  async call(designator: string, params?: Asked): Promise<unknown> {
    const answer = await this.ask(designator, params);
    assert(answer.error === undefined, `${designator}: ${JSON.stringify(answer.error)}`);
    assert('result' in answer, 'a C++ link takes only these for answers');
    return answer.result;
  }

  async untilState(appInstanceId: string, state: string): Promise<void> {
    const isIt = ({ event, params }: Heard): boolean =>
      event === 'onStateChanged' && params.appInstanceId === appInstanceId && params.state === `RUNTIME_STATE_${state}`;
    await until(() => this.heard.some(isIt), { what: `${appInstanceId} is told to be ${state}`, timeoutMs: 60_000 });
  }

  #next(): void {
    const [first] = this.#inbox;
    if (first === undefined) return;
    this.#hear(JSON.parse(first.text) as Message, first.at);
    this.#inbox.shift();
    if (this.#inbox.length > 0) setImmediate(() => this.#next());
  }

  #hear({ id, method = '', params, ...answer }: Message, at: number): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer, at);
      this.#waiting.delete(id);
    } else if (params !== undefined) {
      const event = method.slice(CLIENT_ID.length + 1);
      const { appInstanceId, state } = params;
      this.traffic.push({ way: 'told', what: state?.replace('RUNTIME_STATE_', '') ?? event, appInstanceId, at });
      this.heard.push({ event, params, at });
      this.#listener?.(event, params);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
