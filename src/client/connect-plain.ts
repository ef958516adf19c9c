/** For one command with streams: over a unix socket without ws, else as every client connects. */
import { roadTo, unreachable } from './address.ts';
import type { Address } from './address.ts';
import { connectOver } from './client.ts';
import type { Client } from './client.ts';
import { overUnixSocket } from './plain-socket.ts';

/** Throws what `connect` throws. What `openExec` gives to `onOutput` is to be used before it returns, or its promise is settled. */
export async function connectPlain(address: Address): Promise<Client> {
  const road = roadTo(address);
  if (road.kind === 'tcp') return (await import('./node.ts')).connect(address);
  return connectOver({
    unreachable: (cause) => unreachable(address, cause),
    open: overUnixSocket(road.socketPath),
  });
}
