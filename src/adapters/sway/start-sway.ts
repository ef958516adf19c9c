/** Brings up a compositor that draws with the processor, as a user and with nothing that root has. */
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
import type { Backend } from './sway-config.ts';

/** What it draws on; `owner` of the socket, where that must be somebody in particular's. */
export type Stage = {
  readonly backend: Backend;
  readonly socket: string | undefined;
  readonly owner: number | undefined;
};

type Options = Pick<SwayParts, 'processes' | 'clock' | 'searchPath'> & { readonly compositor: Compositor };

export type StartOrder = {
  readonly user: User;
  readonly stage: Stage;
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
  WLR_RENDERER: 'pixman',
};

const BACKENDS: Readonly<Record<Backend, Readonly<Record<string, string>>>> = {
  headless: { WLR_BACKENDS: 'headless', WLR_HEADLESS_OUTPUTS: '1', WLR_LIBINPUT_NO_DEVICES: '1' },
  wayland: { WLR_BACKENDS: 'wayland', WLR_LIBINPUT_NO_DEVICES: '1' },
  drm: { WLR_BACKENDS: 'drm,libinput' },
};

/**
 * A client's user may not connect to the screen's socket, and must not be able to. So root does, in the process that becomes the
 * client, because a compositor knows its clients by the process that has connected (SO_PEERCRED). libwayland takes the connection
 * from WAYLAND_SOCKET. The socket is handed over as a descriptor: what lies in its directory may be swapped at any moment.
 */
const CONNECT = `
use strict; use Socket; $^F = 99;
my ($fd, $owner, @argv) = @ARGV; my $path = "/proc/self/fd/$fd";
my @found = stat $path; -S _ && ($owner eq '' || $found[4] == $owner) or die "the screen has no socket of its own\n";
my $screen; socket($screen, AF_UNIX, SOCK_STREAM, 0) && connect($screen, pack_sockaddr_un($path)) or die "the screen: $!\n";
open my $spent, '<&=', $fd; close $spent;
$ENV{WAYLAND_SOCKET} = fileno $screen; exec { $argv[0] } @argv or die "$argv[0]: $!\n";`;

/** Nothing of ours has these numbers: 0 to 2 are its own, then come the directories. */
const FIRST_HANDED = 3;

/** Sockets of 0600. */
const UMASK = 0o177;
const POLL_MS = 2;

/** Both sockets are there when it returns; whether anybody answers is for a probe. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export async function startSway(
  options: Options,
  places: DisplayPlaces,
  { user, stage, began, wait }: StartOrder,
): Promise<ProcessId> {
  const { compositor, processes, searchPath } = options;
  await mkdir(places.own, { mode: 0o700 });
  await chown(places.own, user.uid, user.gid);
  const { directories } = compositor;
  const sway = asUser(user, [...compositor.sway, '--config', places.config]);
  const connecting = ['perl', '-e', CONNECT, String(FIRST_HANDED + directories.length), String(stage.owner ?? '')];
  const argv = stage.socket === undefined ? sway : [...connecting, ...sway];
  const env = { PATH: searchPath, ...ENVIRONMENT, ...BACKENDS[stage.backend], ...compositor.env };
  const pid = await startDetached(argv, env, {
    ...{ cwd: places.own, logFile: places.log, umask: UMASK, directories },
    ...(stage.socket !== undefined && { socket: stage.socket }),
  });
  const started = processes.identify(pid);
  if (started === undefined) throw await failed(places);
  began(started);
  await untilListening(options, { places, sway: started }, wait);
  return started;
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
