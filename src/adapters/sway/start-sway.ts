/** Brings up a compositor that draws with the processor. */
import { RuntimeError } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Compositor } from './compositor.ts';
import type { SwayParts } from './parts.ts';
import { isThere, type DisplayPlaces } from './places.ts';
import type { Stage } from './stage.ts';
import type { Backend } from './sway-config.ts';
import { endedAtOnce, startProgram, WORKING_DIRECTORY, type ProgramOrder } from './start-program.ts';

type Options = Pick<SwayParts, 'processes' | 'clock' | 'searchPath'> & { readonly compositor: Compositor };

export type StartOrder = Omit<ProgramOrder, 'program'> & { readonly stage: Stage; readonly wait: Wait };

/** HOME because sway looks for it. Source: docs/env_vars.md of wlroots. */
const ENVIRONMENT = {
  HOME: '/nonexistent',
  XDG_RUNTIME_DIR: WORKING_DIRECTORY,
  SWAYSOCK: `${WORKING_DIRECTORY}/ipc.sock`,
  WLR_RENDERER: 'pixman',
};

const BACKENDS: Readonly<Record<Backend, Readonly<Record<string, string>>>> = {
  headless: { WLR_BACKENDS: 'headless', WLR_HEADLESS_OUTPUTS: '1', WLR_LIBINPUT_NO_DEVICES: '1' },
  wayland: { WLR_BACKENDS: 'wayland', WLR_LIBINPUT_NO_DEVICES: '1' },
  drm: { WLR_BACKENDS: 'drm,libinput' },
};

const POLL_MS = 2;

/** Both sockets are there when it returns; whether anybody answers is for a probe. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export async function startSway(
  options: Options,
  places: DisplayPlaces,
  { user, stage, began, wait }: StartOrder,
): Promise<ProcessId> {
  const { sway: command, env, directories } = options.compositor;
  const program = {
    argv: [...command, '--config', places.config],
    env: { ...ENVIRONMENT, ...BACKENDS[stage.backend], ...env },
    directories,
    usesDevices: stage.backend === 'drm',
    ...(stage.socket !== undefined && { to: { socket: stage.socket, owner: stage.owner } }),
  };
  const sway = await startProgram(options, places, { user, program, began });
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
    if (!processes.isAlive(sway)) throw await endedAtOnce(places);
    if (signal.aborted) throw new RuntimeError('ABORTED', { what: 'the display was not waited for' });
    if (performance.now() > deadline) {
      throw new RuntimeError('TIMED_OUT', { what: `the display was not there within ${timeoutMs} ms` });
    }
    await clock.sleep(POLL_MS);
  }
}
