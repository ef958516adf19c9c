/**
 * Makes RDK's window manager drop a display, by being its last client. westeros tells of a client when it binds wl_compositor
 * (westeros-compositor.cpp, wstCompositorBind) and when that object is destroyed (wstDestroyCompositorCallback); the second ends
 * in CompositorController::onEvent, which kills the display. A connection that has bound nothing is no client to it.
 */
import { connect, type Socket } from 'node:net';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { asClient } from '../wayland/client.ts';

const COMPOSITOR = 'wl_compositor';

/** `nobody`: the socket is a leftover, nothing listens at it. Throws TOOL_FAILED, TIMED_OUT, ABORTED. */
export async function leaveDisplay(path: string, wait: Wait): Promise<'left' | 'nobody'> {
  const socket = await connectTo(path);
  if (socket === undefined) return 'nobody';
  await asClient(socket, wait, async (client) => {
    const compositor = (await client.globals()).find((global) => global.interface === COMPOSITOR);
    if (compositor === undefined) throw new RuntimeError('TOOL_FAILED', { what: `${path} offers no ${COMPOSITOR}` });
    await client.bind({ ...compositor, version: 1 });
  });
  return 'left';
}

/** Undefined when nothing listens. A connection to a unix socket is made, or refused, at once. */
async function connectTo(path: string): Promise<Socket | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>();
  const socket = connect(path).on('error', (cause) => {
    if (isErrno(cause, 'ECONNREFUSED', 'ENOENT')) resolve(undefined);
    else reject(new RuntimeError('TOOL_FAILED', { what: `${path} does not take connections`, cause }));
  });
  socket.once('connect', () => {
    resolve(socket);
  });
  return promise;
}
