/** Connects to a UNIX socket in a directory that is an app's: what lies there may be swapped for anything at any moment. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import { O_PATH } from '../process/descriptors.ts';

/**
 * The socket that lies there now, by its inode: a link is refused, not followed (root would connect to whatever it names), and
 * connect(2) by /proc/self/fd cannot be led elsewhere in between. Nor does a path longer than 107 bytes matter.
 * Throws TOOL_FAILED.
 */
export async function connectToSocketOf(uid: number, path: string): Promise<Socket> {
  const handle = await open(path, O_PATH | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new RuntimeError('TOOL_FAILED', { what: `there is no socket ${path}`, cause });
  });
  try {
    const found = await handle.stat();
    if (!found.isSocket() || found.uid !== uid) {
      throw new RuntimeError('TOOL_FAILED', { what: `${path} is not a socket of user ${uid}` });
    }
    return await connected(connect(`/proc/self/fd/${handle.fd}`));
  } finally {
    await handle.close();
  }
}

function connected(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause) => {
      reject(new RuntimeError('TOOL_FAILED', { what: 'the display does not accept connections', cause }));
    });
  });
}
