/** Where a daemon is, and what to say when it is not there. */
import { isErrno, RuntimeError } from '../domain/errors.ts';
import { layout } from '../domain/layout.ts';

export type Address = {
  /** The daemon's --root, absolute; the system's own daemon when absent. */
  readonly root?: string | undefined;
  /** Path of its unix socket, when it lies elsewhere. */
  readonly socket?: string | undefined;
};

export const socketOf = ({ root, socket }: Address): string => socket ?? layout(root).socket;

/** UNREACHABLE, or PERMISSION_DENIED where the socket's mode is the reason. */
export function unreachable(address: Address, cause: unknown): RuntimeError {
  const hungUp = isErrno(cause, 'ECONNRESET', 'EPIPE');
  const what = hungUp
    ? `the daemon at ${socketOf(address)} ended before it answered`
    : `no daemon answers at ${socketOf(address)}`;
  if (isErrno(cause, 'EACCES', 'EPERM')) {
    return new RuntimeError('PERMISSION_DENIED', {
      what: `the socket ${socketOf(address)} may not be used by this user`,
      next: 'ask as root, or as a member of the group the socket belongs to',
      cause,
    });
  }
  const details = hungUp ? { asked: true } : undefined;
  return new RuntimeError('UNREACHABLE', { what, next: start(address), details, cause: wordsFor(cause) });
}

function start({ root, socket }: Address): string {
  if (root !== undefined) return `start it with: runtimemanagerd --root ${root}`;
  return socket === undefined ? 'start it with: runtimemanagerd' : 'start runtimemanagerd, or give its own --socket';
}

function wordsFor(cause: unknown): unknown {
  if (isErrno(cause, 'ENOENT')) return 'there is no such socket';
  if (isErrno(cause, 'ECONNREFUSED')) return 'nobody listens there; a daemon that was killed left the socket';
  if (isErrno(cause, 'EINVAL')) return 'the path is too long for a unix socket';
  return cause;
}
