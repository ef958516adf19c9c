/** CRIU's options for one container, in the file that the annotation `org.criu.config` names: runc and crun hand it on, at dump and restore. */

/** Deleted files that are still open are kept in the image up to this size. */
export const GHOST_LIMIT_BYTES = 256 * 2 ** 20;

/**
 * network-lock skip: locking takes 115 ms at each wake, needs iptables, and can leave the network dead. It is for a network that
 * lives on while the app is away, whose packets meet no socket then; ours goes with the app and comes anew with it.
 * skip-in-flight: a connection that nobody has accepted yet is dropped, where it would fail the dump.
 * external: a mount that was made while the app ran; those of the container the runtime names itself, and at the wake all of them.
 * file-locks: flock(2) and fcntl(2) locks otherwise fail the dump.
 */
export const criuConfig = (tcp: 'close' | 'keep', mounts: readonly string[] = []): string =>
  [
    'network-lock skip',
    tcp === 'close' ? 'tcp-close' : 'tcp-established',
    `ghost-limit ${GHOST_LIMIT_BYTES}`,
    'file-locks',
    'skip-in-flight',
    ...mounts.map((destination) => `external "mnt[${destination}]:${destination}"`),
  ]
    .map((line) => `${line}\n`)
    .join('');
