/** A small app that is hibernated and woken by an engine: the only proof that it can. */
import { mkdir, rm } from 'node:fs/promises';
import { systemClock } from '../adapters/process/clock.ts';
import { findTool } from '../adapters/process/find-tool.ts';
import { readIfThere } from '../adapters/files/kernel-file.ts';
import { appSchema, type App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import { SET_UP } from '../domain/set-up.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { CheckpointSurveys } from '../ports/checkpoint-surveys.ts';
import type { Engine, Live } from '../ports/engine.ts';
import { trialOrder, type TrialOptions } from './trial.ts';

const TIMEOUT_MS = 60_000;
const LISTEN_MS = 5000;
const POLL_MS = 10;

/** The wait of a program that is woken may end early (nanosleep(2), EINTR). With a socket of the internet: CRIU before 4.2 says "Looks good" on new kernels, and fails at those alone. */
const LISTENER = 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0) && listen(S, 1); sleep 1000 while 1';

const appFor = (perl: string | undefined): App =>
  appSchema.parse({
    rootfs: { host: true },
    args: perl?.startsWith('/usr/') === true ? [perl, '-e', LISTENER] : ['/bin/sleep', '1000'],
    hibernation: { enabled: true },
  });

type Options = TrialOptions & { readonly searchPath: string; readonly surveys: CheckpointSurveys };

const NO_CRIU = new RuntimeError('NOT_SUPPORTED', {
  what: 'there is no criu',
  next: `install CRIU (${SET_UP}), or name its directory as \`tools\` in the configuration, and restart the daemon`,
});

/** Throws with the reason in plain words, as hibernate and wake do. */
export const tryHibernation =
  (options: Options) =>
  async (engine: Engine, { id, signal }: { readonly id: ContainerId; readonly signal: AbortSignal }): Promise<void> => {
    const { runDirectory, searchPath, surveys, insides } = options;
    const [imageDirectory, failureLog] = [`${runDirectory}/trial-image`, `${runDirectory}/trial/criu.log`];
    signal.throwIfAborted();
    const wait = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]), timeoutMs: TIMEOUT_MS };
    if (findTool('criu', searchPath) === undefined) throw NO_CRIU;
    const app = appFor(findTool('perl', searchPath));
    let live: Live | null = null;
    try {
      // of one that was killed
      await rm(imageDirectory, { recursive: true, force: true });
      await mkdir(imageDirectory, { mode: 0o711 });
      const order = await trialOrder(options, { engine, id, app });
      live = await engine.start(order, wait);
      if (app.args?.includes(LISTENER) === true) await listens(live);
      const asleep = live;
      const criu = { id, tcp: 'close', failureLog } as const;
      await inWords(surveys, failureLog, () => engine.checkpoint({ ...criu, live: asleep, imageDirectory }, wait));
      await engine.remove(id, { known: live, ...wait });
      live = null;
      const restore = { ...order, ...criu, imageDirectory, lazyPages: false };
      ({ live } = await inWords(surveys, failureLog, () => engine.restore(restore, wait)));
      if ((await engine.ended(id, live)) === undefined) return;
      throw new RuntimeError('RESTORE_FAILED', { what: 'a small app that was woken ended at once' });
    } finally {
      if (live !== null) await engine.kill(id, live);
      // also when it was stopped
      await engine.remove(id, { known: live, ...unhurried(TIMEOUT_MS) });
      await insides.remove(id);
      await rm(imageDirectory, { recursive: true, force: true });
    }
  };

/** LISTEN in the fourth column of /proc/net/tcp (proc(5)); what does not come may be dumped without. */
async function listens({ init }: Live): Promise<void> {
  const deadline = performance.now() + LISTEN_MS;
  while (!/^ *\d+: \S+ \S+ 0A /m.test(readIfThere(`/proc/${init.pid}/net/tcp`) ?? '') && performance.now() < deadline) {
    await systemClock.sleep(POLL_MS);
  }
}

/** The first finding of CRIU's log is the cause. The app's own id says nothing to anybody. */
async function inWords<Done>(surveys: CheckpointSurveys, log: string, work: () => Promise<Done>): Promise<Done> {
  try {
    return await work();
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    const { code, next, cause } = error;
    const isOfCriu = code === 'CHECKPOINT_FAILED' || code === 'RESTORE_FAILED';
    const [first] = isOfCriu ? (await surveys.readLog(log)).filter((one) => one.code !== 'NO_LOG') : [];
    if (first === undefined) {
      throw cause === undefined
        ? error
        : new RuntimeError(code, { what: 'a small app cannot be hibernated', next, cause });
    }
    throw new RuntimeError(code, { what: `${first.what}: ${first.why}`, next: first.next, cause: cause ?? error });
  }
}
