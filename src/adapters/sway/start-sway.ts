/** Brings up the compositor of one app: headless, drawing with the processor, as the app's user and with nothing that root has. */
import { chown, mkdir, readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { lastWords } from '../process/run-tool.ts';
import { startDetached } from '../process/start-detached.ts';
import { asUser, type User } from './as-user.ts';
import type { Compositor } from './compositor.ts';
import type { SwayParts } from './parts.ts';
import { isThere, type DisplayPlaces } from './places.ts';

type Options = Pick<SwayParts, 'processes' | 'clock' | 'searchPath'> & { readonly compositor: Compositor };

export type StartOrder = {
  readonly user: User;
  /** Called as soon as there is a process. */
  readonly began: (process: ProcessId) => void;
  readonly wait: Wait;
};

/** Sway makes its sockets where it is started: a socket's path has at most 107 bytes (unix(7)), and that of ours may be longer. */
export const WORKING_DIRECTORY = '/proc/self/cwd';

/** The whole environment; HOME because sway looks for it. Source: docs/env_vars.md of wlroots. */
const ENVIRONMENT = {
  HOME: '/nonexistent',
  XDG_RUNTIME_DIR: WORKING_DIRECTORY,
  SWAYSOCK: `${WORKING_DIRECTORY}/ipc.sock`,
  WLR_BACKENDS: 'headless',
  WLR_RENDERER: 'pixman',
  WLR_LIBINPUT_NO_DEVICES: '1',
  WLR_HEADLESS_OUTPUTS: '1',
};

/** Sockets of 0600. */
const UMASK = 0o177;
const POLL_MS = 2;

/** Both sockets are there when it returns; whether anybody answers is for a probe. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export async function startSway(
  options: Options,
  places: DisplayPlaces,
  { user, began, wait }: StartOrder,
): Promise<ProcessId> {
  const { compositor, processes, searchPath } = options;
  await mkdir(places.own, { mode: 0o700 });
  await chown(places.own, user.uid, user.gid);
  const argv = asUser(user, [...compositor.sway, '--config', places.config]);
  const env = { PATH: searchPath, ...ENVIRONMENT, ...compositor.env };
  const { directories } = compositor;
  const pid = await startDetached(argv, env, { cwd: places.own, logFile: places.log, umask: UMASK, directories });
  const sway = processes.identify(pid);
  if (sway === undefined) throw await failed(places);
  began(sway);
  await untilListening(options, { places, sway }, wait);
  return sway;
}

type Starting = { readonly places: DisplayPlaces; readonly sway: ProcessId };

async function untilListening(
  { processes, clock }: Options,
  { places, sway }: Starting,
  { signal, timeoutMs }: Wait,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!((await isThere(places.socket)) && (await isThere(places.ipc)))) {
    if (!processes.isAlive(sway)) throw await failed(places);
    if (signal.aborted) throw new RuntimeError('ABORTED', { what: 'the display was not waited for' });
    if (performance.now() > deadline) {
      throw new RuntimeError('TIMED_OUT', { what: `the display was not there within ${timeoutMs} ms` });
    }
    await clock.sleep(POLL_MS);
  }
}

async function failed({ log }: DisplayPlaces): Promise<RuntimeError> {
  const words = lastWords(await readFile(log, 'utf8').catch(() => ''));
  return new RuntimeError('DISPLAY_FAILED', { what: 'the compositor ended as soon as it was started', cause: words });
}
