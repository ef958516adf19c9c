/**
 * The input of a container of crun: a pipe whose other end is closed, so that whoever reads it is at its end at once. conmon would hand
 * down the machine's /dev/null, and crun before 1.24 makes the container's root the owner of what it is handed
 * (src/libcrun/container.c, maybe_chown_std_streams). Not under runc, which leaves devices alone: CRIU 4.2 takes an inherited pipe
 * away from its descriptor 0, and its cgroupd, which moves threads, then fails by sending that descriptor along (decision 0140). A terminal's runtime has nothing to say on its output, and would have it there, too.
 *
 * conmon runs `RUNTIME RUNTIME-ARG… create …`: with a shell for the runtime, the real one is an argument. A here-document without text is such a
 * pipe in every shell that has pipes for short ones (dash, busybox, bash from 5.1 on). As with conmon's own pipes, the app may open it
 * again (/dev/stdin), whatever its user.
 */
const SCRIPT = 'exec <<E\nE\nchmod 777 /proc/self/fd/0; exec "$0" "$@"';
const SCRIPT_OF_TERMINAL = 'exec "$0" "$@" <<E >&2\nE';

/** The beginning of a command that runs the rest so. */
export const closedInput = (terminal: boolean): readonly [string, ...string[]] => [
  ...(['/bin/sh', '-c'] as const),
  terminal ? SCRIPT_OF_TERMINAL : SCRIPT,
];
