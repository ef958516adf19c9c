/** How an app ended. */

export const EXIT_CAUSES = {
  exited: 'the app ended by itself with an exit code',
  signalled: 'the app was ended by a signal that Runtime Manager did not send',
  oom: 'the kernel killed the app, or a process of it, for memory: then all of the app ends',
  terminated:
    'it ended after terminate asked it to (SIGTERM, or the stop signal of its image), within the grace period',
  killed: 'kill, or terminate after the grace period, ended it (SIGKILL)',
  'display-died': 'its display has died (its compositor has ended), and the app followed, or was made to',
  'checkpoint-died':
    'what wrote its image (CRIU, memcr) was killed while it had its code in the app, and the app could not go on',
  'start-failed': 'it never came to run',
  'start-interrupted': 'the daemon died while the app was starting; the start was undone',
  'monitor-lost':
    'nobody saw its exit code: its monitor (conmon, or our connection to Dobby) was gone when it ended, or tells none',
  'engine-lost': 'the engine that ran it (Dobby) ended or was restarted, and all of its apps with it',
  'image-lost': 'it was hibernated, and its image is gone',
  reboot: 'the machine was restarted',
} as const;
export type ExitCause = keyof typeof EXIT_CAUSES;

/** What the person who looks after the device does about it; null where nothing is wrong. `ID` stands for the instance. */
export const EXIT_CURES: Readonly<Record<ExitCause, string | null>> = {
  exited: 'read what it wrote last (runtimectl logs ID); an exit code of 0 is no fault',
  signalled: 'read what it wrote last (runtimectl logs ID): a crash of its own, or another program has killed it',
  oom: 'give it more memory: runtimectl run … --memory SIZE; while it lives, runtimectl limits ID --memory SIZE',
  terminated: null,
  killed: null,
  'display-died': 'run it again; if its display dies again, look at its log and at its memory',
  'checkpoint-died': 'run it again; see who killed criu or memcr (dmesg names them when memory ran out)',
  'start-failed': 'mend what the failure of its start names, then run it again',
  'start-interrupted': 'run it again',
  'monitor-lost': 'run it again; if nobody has killed its conmon, see whether the device was short of memory (dmesg)',
  'engine-lost': 'run it again when Dobby is back; see in its log why DobbyDaemon ended',
  'image-lost': 'run it anew; see who deletes files below the images, and look at the disk',
  reboot: 'run it again; with the restart policy always the daemon does so itself',
};

export const exitCure = (cause: ExitCause, id: string): string | null =>
  EXIT_CURES[cause]?.replaceAll('ID', id) ?? null;

export type ExitRecord = {
  /** 0–255; 128 + signal when a signal ended it; null when nobody could see it. */
  readonly code: number | null;
  /** Signal number (signal(7)), read from a code above 128 as shells do; null otherwise. */
  readonly signal: number | null;
  /** The kernel's out-of-memory killer struck in this container. */
  readonly oom: boolean;
  readonly cause: ExitCause;
  /** ISO 8601, UTC. */
  readonly at: string;
};

const LAST_SIGNAL = 64;

export const signalOf = (code: number | null): number | null =>
  code !== null && code > 128 && code <= 128 + LAST_SIGNAL ? code - 128 : null;

type Ending = {
  readonly code: number | null;
  readonly oom: boolean;
  readonly engineLost?: boolean | undefined;
  /** A signal ended it, although no code says which. */
  readonly signalled?: boolean | undefined;
  /** What was under way when it ended, if that explains the end. */
  readonly asked?: ExitCause | undefined;
  readonly at: string;
};

/** A request of ours explains an end best; then an OOM kill, which ends all of an app, whatever its first process made of it. */
export function exitRecord({ code, oom, engineLost = false, signalled = false, asked, at }: Ending): ExitRecord {
  const signal = signalOf(code);
  const unseen: ExitCause = engineLost ? 'engine-lost' : signalled ? 'signalled' : 'monitor-lost';
  const own: ExitCause = code === null ? unseen : signal === null ? 'exited' : 'signalled';
  const cause = asked ?? (oom ? 'oom' : own);
  return { code, signal, oom, cause, at };
}

/** `exited 3`, `killed by signal 9 (oom)`. */
export function exitWords({ code, signal, cause }: ExitRecord): string {
  const how = signal === null ? `code ${code ?? 'unknown'}` : `signal ${signal}`;
  return `${cause} (${how})`;
}
