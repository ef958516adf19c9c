/**
 * The way to Dobby through Thunder's plugin org.rdk.OCIContainer (facts/thunder.md §3.1). Nobody is called before the plugin's events
 * are heard. The plugin tells neither that Dobby has ended nor that it hangs: its list is empty then, and everything else fails
 * without a reason. So its life is the plugin's, containers go by their names, and the roll tells when all are lost.
 */
import { setMaxListeners } from 'node:events';
import { RuntimeError } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { Wait } from '../../ports/wait.ts';
import { answerOrLate, Change } from './change.ts';
import type { Late, Listed, Started } from './calls.ts';
import type { Word } from './containers.ts';
import { aborted, timedOut } from './link-errors.ts';
import { away, inPlainWords, isAnswer, isPresence } from './plugin-errors.ts';
import { listedIn, membersOf, nameIn, wordIn, type Reply } from './plugin-replies.ts';
import { Roll } from './roll.ts';
import { Slots } from './slots.ts';
import type { Way } from './ways.ts';

/** As Thunder's client gives it. */
export type Plugin = {
  /** Throws with `details.refusal`, TIMED_OUT, ABORTED. */
  readonly call: (method: string, params: object, wait: Wait) => Promise<unknown>;
};

/** What the plugin's coming, going and events are told to. */
export type Follower = {
  readonly events: Readonly<Record<string, (params: unknown) => void>>;
  readonly onBack: () => void;
  readonly onGone: () => void;
};

export type PluginLinkOptions = {
  /** Of Thunder, for people. */
  readonly url: string;
  readonly follow: (follower: Follower) => Plugin;
  readonly callTimeoutMs: number;
  /** Pid of Dobby's process on this machine; undefined when it cannot be told which it is. */
  readonly findDobby: () => Promise<number | undefined>;
  /** A start that failed after so long may still come to be: the plugin has given up, and not Dobby. In ms. */
  readonly doubtMs?: number;
  readonly log: Log;
};

export type PluginAnswers = {
  readonly heard: (word: Word) => void;
  readonly serves: (life: string) => void;
};

export type Asked = {
  readonly method: string;
  readonly params: object;
  readonly late?: Late<Reply> | undefined;
  /** From here on it may be done, whatever is heard of it. */
  readonly sent?: () => void;
};

type Start = {
  readonly late: Late<Started>;
  /** When it was asked for, on the clock of `performance`. */
  begin: number;
  /** Nobody waits for its answer, or it was none: its container is not wanted any more, should it be seen. */
  isDoubtful: boolean;
};

export const CALLSIGN = 'org.rdk.OCIContainer';
/** Thunder has few threads for all of its plugins, and each of these calls holds one; Dobby does one thing at a time anyhow. */
const MOST_CALLS = 4;
/** How long a call waits for a plugin that is not there: Thunder may be starting again. */
const PATIENCE_MS = 2000;
const RESYNC_MS = 5000;
/** The plugin's own calls to Dobby end after 25 s (sd-bus). */
const DOUBT_MS = 20_000;

export class PluginLink implements Way {
  readonly #options: PluginLinkOptions;
  readonly #answers: PluginAnswers;
  readonly #plugin: Plugin;
  readonly #closing = new AbortController();
  readonly #change = new Change();
  readonly #slots = new Slots(MOST_CALLS);
  readonly #roll = new Roll();
  /** The last one of each name, while it is not known what became of it. */
  readonly #starts = new Map<string, Start>();
  #isThere = false;
  #isKnocking = false;
  #refusal: unknown = 'it was not reached yet';

  constructor(options: PluginLinkOptions, answers: PluginAnswers) {
    this.#options = options;
    this.#answers = answers;
    setMaxListeners(0, this.#closing.signal);
    this.#plugin = options.follow({
      events: {
        onContainerStarted: (params) => {
          this.#hearStart(params);
        },
        onContainerStopped: (params) => {
          this.#hearEnd(params);
        },
      },
      onBack: () => {
        this.#come();
      },
      onGone: () => {
        this.#go();
      },
    });
  }

  get at(): string {
    return `${CALLSIGN} of ${this.#options.url}`;
  }

  get life(): string | undefined {
    return this.#isThere ? CALLSIGN : undefined;
  }

  async serving({ signal, timeoutMs }: Wait): Promise<string> {
    if (!this.#isThere) this.#knock(timeoutMs);
    const limit = AbortSignal.any([AbortSignal.timeout(Math.ceil(timeoutMs)), signal, this.#closing.signal]);
    const life = await this.#change.until(() => this.life, limit);
    if (life !== undefined) return life;
    throw signal.aborted ? aborted(signal) : inPlainWords(this.#refusal);
  }

  async pidOf(): Promise<number> {
    const pid = await this.#options.findDobby();
    if (pid !== undefined) return pid;
    throw new RuntimeError('ENGINE_UNAVAILABLE', {
      what: 'Dobby’s process cannot be told from others, so it cannot be seen how it starts containers',
      next: 'set dobby.start to bundle, or to spec for a build for production (DOBBY_PROD), in config.yaml',
    });
  }

  lostWithOthers(name: string): boolean {
    return this.#roll.isLost(name);
  }

  /** Throws ENGINE_UNAVAILABLE, NOT_SUPPORTED, TIMED_OUT, ABORTED. */
  async call({ method, params, late, sent }: Asked, wait: Wait): Promise<Reply> {
    const limit = AbortSignal.timeout(Math.ceil(Math.min(wait.timeoutMs, this.#options.callTimeoutMs)));
    const signal = AbortSignal.any([wait.signal, limit, this.#closing.signal]);
    await this.serving({ signal: wait.signal, timeoutMs: Math.min(PATIENCE_MS, wait.timeoutMs) });
    const stopped = (): Error => this.#stopped(method, wait);
    if (!(await this.#slots.take(signal))) throw stopped();
    sent?.();
    return answerOrLate(this.#ask(method, params), { signal, stopped, late });
  }

  async list(wait: Wait): Promise<Listed> {
    const descriptors = listedIn(await this.call({ method: 'listContainers', params: {} }, wait));
    this.#roll.compare(descriptors);
    for (const [name, { isDoubtful, late }] of this.#starts) {
      const descriptor = descriptors.get(name);
      if (descriptor === undefined || !isDoubtful) continue;
      this.#starts.delete(name);
      late?.({ descriptor });
    }
    return { life: CALLSIGN, descriptors };
  }

  /** `late`: also when it was never answered, and its container is seen after all. */
  async start(
    name: string,
    { method, params }: Omit<Asked, 'late'>,
    { late, ...wait }: Wait & { late: Late<Started> },
  ) {
    const start: Start = { late, begin: 0, isDoubtful: false };
    this.#starts.delete(name);
    const sent = (): void => {
      start.begin = performance.now();
      this.#starts.set(name, start);
    };
    const told = (reply: Reply): void => {
      // by now the name may be another one's
      if (this.#starts.get(name) === start) late?.(this.#noteStart(name, start, reply));
    };
    try {
      return this.#noteStart(name, start, await this.call({ method, params, late: told, sent }, wait));
    } catch (error) {
      start.isDoubtful = true;
      if (isAnswer(error)) this.#starts.delete(name);
      throw error;
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #noteStart(name: string, start: Start, { descriptor, success, errorReason }: Reply): Started {
    // the plugin has given up, and not Dobby
    start.isDoubtful = !success && performance.now() - start.begin > (this.#options.doubtMs ?? DOUBT_MS);
    if (!start.isDoubtful) this.#starts.delete(name);
    if (success && descriptor !== undefined && descriptor > 0) {
      this.#roll.add(name, descriptor);
      return { descriptor };
    }
    return { descriptor: null, ...(errorReason !== '' && { why: errorReason }) };
  }

  async #ask(method: string, params: object): Promise<Reply> {
    const { callTimeoutMs: timeoutMs, log } = this.#options;
    try {
      return membersOf(await this.#plugin.call(method, params, { signal: this.#closing.signal, timeoutMs }));
    } catch (error) {
      const { details, cause } = RuntimeError.of(error);
      if (details?.['refusal'] !== 'declined') throw inPlainWords(error);
      // not its parameters: a spec has the app's environment in it
      log.debug({ method, why: cause }, `${CALLSIGN} has not done it`);
      return membersOf({ success: false, errorReason: cause });
    } finally {
      this.#slots.giveBack();
    }
  }

  #stopped(method: string, { signal, timeoutMs }: Wait): Error {
    if (signal.aborted) return aborted(signal);
    if (this.#closing.signal.aborted) return away('the daemon is ending');
    return timedOut(method, Math.min(timeoutMs, this.#options.callTimeoutMs));
  }

  /** Thunder's client tries at once when something is asked, and not after its pause; this asks Dobby nothing. */
  #knock(timeoutMs: number): void {
    if (this.#isKnocking) return;
    this.#isKnocking = true;
    const wait = { signal: this.#closing.signal, timeoutMs };
    const asked = this.#plugin.call('exists', { method: 'listContainers' }, wait).catch((error: unknown) => {
      if (!isPresence(error)) this.#refusal = error;
    });
    const done = (): void => {
      this.#isKnocking = false;
    };
    asked.then(done, done);
  }

  #come(): void {
    const wasThere = this.#isThere;
    this.#isThere = true;
    this.#change.tell();
    if (!wasThere) this.#options.log.info({ plugin: CALLSIGN }, 'the way to Dobby is open');
    // what happened meanwhile was not heard
    this.#resync();
    this.#answers.serves(CALLSIGN);
  }

  #go(): void {
    this.#isThere = false;
    this.#refusal = 'the plugin, or the connection to Thunder, has gone';
    this.#roll.clear();
    this.#change.tell();
  }

  #resync(): void {
    this.list({ signal: this.#closing.signal, timeoutMs: RESYNC_MS }).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'Dobby’s containers could not be listed');
    });
  }

  #hearStart(params: unknown): void {
    const name = nameIn(params);
    if (name !== undefined && this.#starts.get(name)?.isDoubtful === true) this.#resync();
  }

  #hearEnd(params: unknown): void {
    const word = wordIn(params);
    if (word === undefined) return;
    this.#roll.strike(word.name);
    this.#answers.heard({ ...word, life: CALLSIGN });
  }
}
