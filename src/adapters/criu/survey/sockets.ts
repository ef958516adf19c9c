/** Sockets whose other end is not in the app. */
import type { Finding } from '../../../domain/hibernation.ts';
import type { RunTool } from '../../process/run-tool.ts';
import { who } from '../words.ts';
import type { Told } from './files.ts';
import {
  isConnected,
  isListening,
  readNetwork,
  readPeers,
  socketInode,
  socketsOf,
  type Network,
  type Peer,
  type TcpSocket,
} from './networks.ts';
import { findOwner } from './owners.ts';
import { processOf, type Descriptor } from './tasks.ts';

export type SocketOptions = {
  readonly tcp: 'close' | 'keep';
  /** CRIU was told to drop connections that wait to be accepted (`skip-in-flight`). */
  readonly skipsInFlight: boolean;
};

/** All network namespaces of the app, each looked at through one of its processes. */
export async function socketFindings(
  runTool: RunTool,
  descriptors: readonly Descriptor[],
  options: SocketOptions,
): Promise<readonly Finding[]> {
  const sockets = descriptors.filter(({ target }) => socketInode(target) !== undefined);
  const own = socketsOf(sockets);
  const perNamespace = Map.groupBy(sockets, ({ task }) => task.namespaces.net);
  const found = await Promise.all(
    [...perNamespace.values()].map(async (group) => {
      const pid = group[0]?.task.pid ?? 0;
      const network = await readNetwork(pid);
      const plain = group.flatMap((descriptor) => attach(descriptor, plainFinding(descriptor, network, options)));
      return [
        ...plain,
        ...(await unixFindings(runTool, group, { network, own, pid })),
        ...(await fromHostFindings(group, network)),
      ];
    }),
  );
  return found.flat();
}

const attach = ({ task, fd, target }: Descriptor, told: Told | undefined): readonly Finding[] =>
  told === undefined ? [] : [{ ...told, process: processOf(task), descriptor: { fd, target } }];

function plainFinding(descriptor: Descriptor, network: Network, options: SocketOptions): Told | undefined {
  const inode = socketInode(descriptor.target) ?? '';
  const name = who(processOf(descriptor.task));
  if (network.unread.has(inode)) {
    return {
      code: 'NETLINK_DATA',
      blocks: true,
      what: `a netlink socket of ${name} holds messages of the kernel that the app has not read`,
      why: 'CRIU cannot save what waits in a netlink socket',
      next: 'try again; if it stays, the app asks the kernel for news and does not read them',
    };
  }
  const socket = network.tcp.get(inode);
  return socket === undefined ? undefined : tcpFinding(name, socket, options);
}

function tcpFinding(name: string, socket: TcpSocket, { tcp, skipsInFlight }: SocketOptions): Told | undefined {
  if (isListening(socket) && socket.waiting > 0) {
    return {
      code: 'CONNECTION_NOT_ACCEPTED',
      blocks: !skipsInFlight,
      what: `somebody has connected to ${socket.local} of ${name}, and the app has not accepted the connection yet`,
      why: 'a connection belongs to nobody until it is accepted, so it cannot be saved',
      next: skipsInFlight
        ? 'nothing: it is dropped, and whoever made it connects again'
        : 'try again: it goes away as soon as the app accepts the connection',
    };
  }
  if (!isConnected(socket)) return undefined;
  const what = `${name} has an open TCP connection (${socket.local} to ${socket.remote})`;
  if (tcp === 'close') {
    return {
      code: 'TCP_CONNECTED',
      blocks: false,
      what,
      why: "the app's TCP policy is `close`: the app and the other end will see the connection end",
      next: 'nothing, if the app connects again by itself',
    };
  }
  return {
    code: 'TCP_CONNECTED',
    blocks: false,
    what,
    why: "the app's TCP policy is `keep`: the connection goes on only if the app has the same address when it wakes, and the other end waits that long",
    next: 'wake the app soon, or choose the policy `close` if it connects again by itself',
  };
}

type UnixQuery = { readonly network: Network; readonly own: ReadonlySet<string>; readonly pid: number };

async function unixFindings(
  runTool: RunTool,
  group: readonly Descriptor[],
  { network, own, pid }: UnixQuery,
): Promise<readonly Finding[]> {
  const unix = group.filter(({ target }) => network.unix.has(socketInode(target) ?? ''));
  if (unix.length === 0) return [];
  const peers = await readPeers(runTool, pid).catch((error: unknown) => error);
  if (!(peers instanceof Map)) return [unchecked(peers)];
  return unix.flatMap((descriptor) => {
    const peer = (peers as ReadonlyMap<string, Peer>).get(socketInode(descriptor.target) ?? '');
    return peer === undefined || own.has(peer.inode) ? [] : attach(descriptor, toHost(descriptor, peer));
  });
}

/** accept(2) gives a socket of the namespace that the other end connected from: one that the app's own does not know. */
async function fromHostFindings(group: readonly Descriptor[], network: Network): Promise<readonly Finding[]> {
  const strangers = group.filter(({ target }) => !network.known.has(socketInode(target) ?? ''));
  if (strangers.length === 0) return [];
  const host = await readNetwork(process.pid);
  return strangers
    .filter(({ target }) => host.unix.has(socketInode(target) ?? ''))
    .flatMap((descriptor) => attach(descriptor, fromHost(descriptor)));
}

const fromHost = ({ task }: Descriptor): Told => ({
  code: 'UNIX_SOCKET_FROM_HOST',
  blocks: true,
  what: `somebody outside the app is connected to a unix socket of ${who(processOf(task))}`,
  why: 'the other end of the connection belongs to a process outside the app: it cannot be saved with the app',
  next: 'let whoever is connected to the app close the connection; it can connect again after the wake',
});

function toHost({ task }: Descriptor, peer: Peer): Told {
  const owner = findOwner(`socket:[${peer.inode}]`);
  const other = [owner === undefined ? undefined : `${owner.name}, pid ${owner.pid}`, peer.path]
    .filter(Boolean)
    .join(', ');
  return {
    code: 'UNIX_SOCKET_TO_HOST',
    blocks: true,
    what: `${who(processOf(task))} is connected to a unix socket outside the app${other === '' ? '' : ` (${other})`}`,
    why: 'the other end belongs to a process outside the app: it cannot be saved with the app, and would be gone after a wake',
    next: 'let the app close this connection before it hibernates and connect again after the wake, or do not give it the socket',
  };
}

const unchecked = (error: unknown): Finding => ({
  code: 'UNIX_SOCKETS_UNCHECKED',
  blocks: false,
  what: 'whether unix sockets of the app lead out of it was not looked at',
  why: error instanceof Error ? error.message : 'the tools nsenter and ss did not answer',
  next: 'install iproute2 and util-linux on the host, so that their tools nsenter and ss are there',
});
