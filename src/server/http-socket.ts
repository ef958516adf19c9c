/** Keeps the control socket where callers look for it: somebody may remove or replace it, and the kernel tells the listener nothing. */
import { lstatSync } from 'node:fs';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import type { DeviceProblem } from '../domain/health.ts';
import type { Log } from '../ports/log.ts';

type Options = {
  readonly path: string;
  readonly log: Log;
  /** Removes a socket that nobody serves; throws when anything else is there. */
  readonly clear: () => Promise<void>;
  /** Listens at the path again; connections go on. */
  readonly open: () => Promise<void>;
};

export type KeptSocket = {
  /** What is wrong, or was in the last hour. */
  readonly problems: () => readonly DeviceProblem[];
  /** It does not listen again from then on. */
  readonly stop: () => void;
};

const LOOK_MS = 1000;
const REMEMBERED_MS = 3_600_000;
const CODE = 'SOCKET_REMOVED';

/** `path`: the server listens there. Looks each second. */
export function keepSocket({ path, log, clear, open }: Options): KeptSocket {
  let mine = identityOf(path);
  let problem: DeviceProblem | undefined;
  let isAtWork = false;
  let isStopped = false;

  async function restore(): Promise<void> {
    const what = `the control socket ${path} was ${identityOf(path) === undefined ? 'removed' : 'replaced'}`;
    const since = problem?.state === 'fail' ? problem.since : new Date().toISOString();
    try {
      await clear();
      if (isStopped) return;
      await open();
      mine = identityOf(path);
      problem = { code: CODE, state: 'warn', what: `${what}; the daemon listens there again`, ...RESTORED, since };
      log.warn({}, problem.what);
    } catch (error) {
      const { message, next = `see that root can make a socket in the directory of ${path}` } = RuntimeError.of(error);
      const isNews = problem?.why !== message;
      problem = { code: CODE, state: 'fail', what: `${what}, and cannot be made again`, why: message, next, since };
      if (isNews) log.error({ err: error }, `${problem.what}; it is tried each second`);
    }
  }

  const done = (): void => {
    isAtWork = false;
  };
  const timer = setInterval(() => {
    if (isAtWork || identityOf(path) === mine) return;
    isAtWork = true;
    restore().then(done, done);
  }, LOOK_MS);
  timer.unref();
  return {
    problems: () => (problem === undefined || isOver(problem) ? [] : [problem]),
    stop: () => {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

const RESTORED = {
  why: 'connections that were open went on; new ones were refused until then',
  next: 'see what removes it: a cleaner of /run or /tmp, or a second daemon with the same --root',
} as const;

const isOver = ({ state, since }: DeviceProblem): boolean =>
  state !== 'fail' && Date.now() - Date.parse(since ?? '') > REMEMBERED_MS;

/** Undefined when nothing can be found there. */
function identityOf(path: string): string | undefined {
  try {
    // no other file gets the number while the kernel has the socket
    const { dev, ino } = lstatSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    // what keeps us from looking keeps us from making it, and is told then
    return 'unknown';
  }
}
