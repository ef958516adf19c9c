/** Programs that callers run in apps: begun in the instance's queue, then on their own until they end or nobody listens. */
import type { MethodParams, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { execMessages } from '../domain/exec-message.ts';
import { EXEC_OUTPUT, type Channel, type ExecOutput, type ExecResult } from '../domain/exec.ts';
import { signalOf } from '../domain/exit.ts';
import type { Exec } from '../ports/execs.ts';
import type { Standstill } from '../ports/processes.ts';
import type { EventBody, Instance } from './instance.ts';
import type { World } from './world.ts';

type Params = MethodParams<'exec'>;
export type ExecCall = {
  readonly gone?: (() => AbortSignal) | undefined;
  readonly by?: string | undefined;
  readonly channel?: Channel | undefined;
};

/** Of one instance at once; each has processes and pipes of its own. */
const MAX_EXECS = 32;
/** Of each of stdout and stderr in an answer. */
const MAX_OUTPUT_BYTES = 512 * 1024;
/** From SIGKILL until nobody waits any longer; a frozen app's program ends when it is thawed. */
const LAST_WAIT_MS = 2000;

export class Execs {
  readonly #world: World;
  readonly #counts = new WeakMap<Instance, number>();
  readonly #streams = new WeakMap<Channel, Map<string, Promise<Exec>>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Throws ILLEGAL_STATE, BUSY, NOT_SUPPORTED, COMMAND_NOT_FOUND, TIMED_OUT, ABORTED. */
  async exec(instance: Instance, params: Params, call: ExecCall): Promise<ExecResult> {
    refuseUser(instance, params.user);
    const count = this.#counts.get(instance) ?? 0;
    if (count >= MAX_EXECS) {
      throw new RuntimeError('BUSY', {
        what: `${MAX_EXECS} programs are run in ${instance.record.appInstanceId} already`,
        next: 'wait for the end of one of them',
      });
    }
    this.#counts.set(instance, count + 1);
    try {
      return await this.#run(instance, params, call);
    } finally {
      this.#counts.set(instance, (this.#counts.get(instance) ?? 1) - 1);
    }
  }

  async #run(instance: Instance, params: Params, call: ExecCall): Promise<ExecResult> {
    const { stream, timeoutMs, stdin, binary } = params;
    // before anything is begun: a stream may be refused
    const { promise: begun, resolve, reject } = Promise.withResolvers<Exec>();
    begun.catch(() => undefined);
    using _stream = stream === undefined ? undefined : this.#join(stream, call.channel, begun);
    const ends = new AbortController();
    let stood: Standstill | undefined;
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => ends.abort(), timeoutMs);
    const gone = call.gone?.();
    const signal = gone === undefined ? ends.signal : AbortSignal.any([ends.signal, gone]);
    try {
      const exec = await this.#begin(instance, params, signal);
      resolve(exec);
      // one that reads none of it has ended, or will
      if (stdin !== undefined) exec.stdin.write(Buffer.from(stdin)).catch(() => undefined);
      if (stdin !== undefined || stream === undefined) exec.stdin.end();
      const onStandstill = (why: Standstill): void => {
        stood = why;
        ends.abort();
      };
      using _watch = watchStandstill(exec, instance, { limitMs: this.#world.settings.execStandstillMs, onStandstill });
      const outputs = stream === undefined ? collectAll(exec) : tellAll(exec, tellerOf(stream, binary, call.channel));
      const isOver = await endWithin(exec, signal);
      // of one that hangs in the kernel nobody knows the code
      const code = await (isOver ? exec.ended : Promise.race([exec.ended, Promise.resolve(null)]));
      await this.#tell(instance, { type: 'executed', program: programOf(params), exitCode: code }, call.by);
      if (!isOver) throw overdue(instance, timeoutMs, ends.signal.aborted);
      return { exitCode: code, signal: signalOf(code), ...(await outputs) };
    } catch (error) {
      reject(error);
      if (stood !== undefined) throw stoodStill(instance, stood, this.#world.settings.execStandstillMs);
      throw ends.signal.aborted ? overdue(instance, timeoutMs, true) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** For the history. The program has run, whether that can be written or not. */
  async #tell({ record }: Instance, body: EventBody, by: string | undefined): Promise<void> {
    const { appId, appInstanceId } = record;
    const event = { appId, appInstanceId, ...(by !== undefined && { by }), ...body };
    await this.#world.announcer.commit({ events: [event] }).catch((error: unknown) => {
      this.#world.log.warn({ err: error, appInstanceId }, 'a program that was run could not be noted');
    });
  }

  async #begin(instance: Instance, { args, env, cwd }: Params, gone: AbortSignal): Promise<Exec> {
    const { engine, settings } = this.#world;
    return instance.queue.push(async (signal) => {
      if (gone.aborted) throw overdue(instance, undefined, false);
      refuseState(instance);
      const wait = { signal: AbortSignal.any([signal, gone]), timeoutMs: settings.startTimeoutMs };
      const { containerId, live, appInstanceId } = instance.record;
      return engine.exec(containerId, { args, env, cwd }, wait).catch((error: unknown) => {
        // the runtime has its own words for a container that is going: "no such process", a file of /proc that is not there
        const isEnding = live !== null && engine.isEnding(live);
        throw isEnding || instance.state === 'TERMINATED' ? hasEnded(appInstanceId, error) : error;
      });
    });
  }

  /** Until it is disposed of, input finds the program by this name. */
  #join(stream: string, channel: Channel | undefined, begun: Promise<Exec>): Disposable {
    if (channel === undefined) {
      throw new RuntimeError('NOT_SUPPORTED', {
        what: 'a stream needs a connection that hears more than answers',
        next: 'call over a WebSocket, or leave `stream` out',
      });
    }
    const streams = this.#streams.get(channel) ?? new Map<string, Promise<Exec>>();
    if (streams.has(stream)) {
      throw new RuntimeError('ALREADY_EXISTS', { what: `this connection has a stream ${stream} already` });
    }
    this.#streams.set(channel, streams.set(stream, begun));
    return { [Symbol.dispose]: () => void streams.delete(stream) };
  }

  /** Throws NOT_FOUND. */
  async input(params: MethodParams<'execInput'>, { channel }: ExecCall): Promise<MethodResults['execInput']> {
    const { stream, data, end, signal } = params;
    const begun = channel && this.#streams.get(channel)?.get(stream);
    if (begun === undefined) {
      throw new RuntimeError('NOT_FOUND', {
        what: `this connection runs no program with the stream ${stream}`,
        next: 'it may have ended: see the answer of its exec',
      });
    }
    const exec = await begun;
    if (data !== undefined) await exec.stdin.write(Buffer.from(data, 'base64'));
    if (end) exec.stdin.end();
    if (signal !== undefined) exec.signal(signal);
    return null;
  }
}

const MAX_NAME_LENGTH = 256;
const programOf = ({ args }: Params): string => (args[0] ?? '').slice(0, MAX_NAME_LENGTH);

function refuseUser({ record }: Instance, user: number | undefined): void {
  if (user === undefined || user === record.uid) return;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `the user ${user} is not in ${record.appInstanceId}: all of it runs as ${record.uid}`,
    next: 'leave `user` out',
  });
}

const NEXT: Readonly<Partial<Record<Instance['state'], string>>> = {
  SUSPENDED: 'resume it first',
  HIBERNATED: 'wake it first',
  TERMINATED: 'run it first',
};

function refuseState({ state, record }: Instance): void {
  if (state === 'RUNNING') return;
  throw new RuntimeError('ILLEGAL_STATE', {
    what: `exec is not possible: ${record.appInstanceId} is ${state}`,
    next: NEXT[state] ?? 'try again when it runs',
    details: { state },
  });
}

/** True when it has ended by itself; otherwise it is killed, and waited for a while. */
async function endWithin({ ended, signal: send, giveUp: letGo }: Exec, signal: AbortSignal): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<false>();
  const giveUp = (): void => resolve(false);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  const byItself = await Promise.race([ended.then(() => true as const), over]);
  signal.removeEventListener('abort', giveUp);
  if (byItself) return true;
  send('SIGKILL');
  await Promise.race([ended, new Promise((done) => setTimeout(done, LAST_WAIT_MS).unref())]);
  letGo();
  return false;
}

const hasEnded = (appInstanceId: string, cause: unknown): RuntimeError =>
  new RuntimeError('ILLEGAL_STATE', {
    what: `exec is not possible: ${appInstanceId} is ending`,
    next: `run it again first; runtimectl why ${appInstanceId} tells how it ended`,
    cause,
  });

const STANDSTILL_POLL_MS = 200;

type StandstillWatch = { readonly limitMs: number; readonly onStandstill: (why: Standstill) => void };

/** In an app that is frozen everything stands still, and goes on with it. */
function watchStandstill(
  { standstill }: Exec,
  instance: Instance,
  { limitMs, onStandstill }: StandstillWatch,
): Disposable {
  let since: number | undefined;
  const timer = setInterval(() => {
    const why = instance.state === 'RUNNING' ? standstill() : undefined;
    if (why === undefined) since = undefined;
    else if (performance.now() - (since ??= performance.now()) >= limitMs) onStandstill(why);
  }, STANDSTILL_POLL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const STANDSTILL_WORDS: Readonly<Record<Standstill, string>> = {
  stopped: 'was stopped (SIGSTOP)',
  traced: 'was stopped by a tracer (ptrace)',
  ended: 'has ended, and a tracer (ptrace) keeps its end to itself',
};

const stoodStill = ({ record }: Instance, why: Standstill, limitMs: number): RuntimeError =>
  new RuntimeError('TIMED_OUT', {
    what: `the program in ${record.appInstanceId} ${STANDSTILL_WORDS[why]}; it stood still for ${limitMs} ms and was killed`,
    next: 'the app does this to programs that come in: look at it from outside (runtimectl info, logs), or end it',
  });

const overdue = ({ record }: Instance, timeoutMs: number | undefined, isLate: boolean): RuntimeError =>
  isLate
    ? new RuntimeError('TIMED_OUT', {
        what: `the program in ${record.appInstanceId} did not end within ${timeoutMs ?? 0} ms and was killed`,
        next: 'give it more time with timeoutMs',
      })
    : new RuntimeError('ABORTED', { what: `nobody listens to the program in ${record.appInstanceId} any more` });

type Outputs = Pick<ExecResult, 'stdout' | 'stderr' | 'truncated'>;

async function collectAll({ stdout, stderr }: Exec): Promise<Outputs> {
  const [out, err] = await Promise.all([collect(stdout), collect(stderr)]);
  return { stdout: out.text, stderr: err.text, truncated: out.truncated || err.truncated };
}

/** Keeps the head and reads the rest away, so that the program never blocks on a full pipe. */
async function collect(chunks: AsyncIterable<Uint8Array>) {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    if (bytes < MAX_OUTPUT_BYTES) kept.push(chunk.subarray(0, MAX_OUTPUT_BYTES - bytes));
    bytes += chunk.length;
  }
  return { text: Buffer.concat(kept).toString(), truncated: bytes > MAX_OUTPUT_BYTES };
}

/** Returns when it was taken. */
type Tell = (name: ExecOutput['stream'], chunk: Uint8Array) => Promise<void> | undefined;

function tellerOf(stream: string, isBinary: boolean, channel: Channel | undefined): Tell {
  if (isBinary) {
    const messages = { stdout: execMessages(stream, 'stdout'), stderr: execMessages(stream, 'stderr') };
    return async (name, chunk) => {
      for (const message of messages[name](chunk)) await channel?.sendBytes(message);
    };
  }
  return (name, chunk) => {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('base64');
    return channel?.notify(`${stream}.${EXEC_OUTPUT}`, { stream: name, data } satisfies ExecOutput);
  };
}

async function tellAll({ stdout, stderr }: Exec, tell: Tell): Promise<Outputs> {
  const tellOne = async (name: ExecOutput['stream'], chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    // not read on before it was taken: a slow reader slows the program down, and nobody else
    for await (const chunk of chunks) await tell(name, chunk);
  };
  await Promise.all([tellOne('stdout', stdout), tellOne('stderr', stderr)]);
  return { stdout: '', stderr: '', truncated: false };
}
