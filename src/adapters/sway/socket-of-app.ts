/** Connects to a UNIX socket in a directory that is an app's: what lies there may be swapped for anything at any moment. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import { O_PATH } from '../process/descriptors.ts';

/**
 * The socket that lies there now, by its inode: a link is refused, not followed (root would connect to whatever it names), and
 * connect(2) by /proc/self/fd cannot be led elsewhere in between. Nor does a path longer than 107 bytes matter.
 * It never has no listener for errors: its end is heard in `close`, and a socket that has ended already is not returned.
 * Throws TOOL_FAILED.
 */
export async function connectToSocketOf(uid: number, path: string): Promise<Socket> {
  const handle = await open(path, O_PATH | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new RuntimeError('TOOL_FAILED', { what: `there is no socket ${path}`, cause });
  });
  const made: { socket?: Socket; fault?: unknown } = {};
  try {
    const found = await handle.stat();
    if (!found.isSocket() || found.uid !== uid) {
      throw new RuntimeError('TOOL_FAILED', { what: `${path} is not a socket of user ${uid}` });
    }
    made.socket = connect(`/proc/self/fd/${handle.fd}`);
    // for its whole life: the other side may reset it before whoever asked for it has a listener of their own
    made.socket.on('error', (cause) => (made.fault ??= cause));
    await connected(made.socket);
  } finally {
    await handle.close();
  }
  if (!made.socket.destroyed) return made.socket;
  throw new RuntimeError('TOOL_FAILED', { what: 'the display closed the connection at once', cause: made.fault });
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', (cause) => {
      reject(new RuntimeError('TOOL_FAILED', { what: 'the display does not accept connections', cause }));
    });
  });
}
