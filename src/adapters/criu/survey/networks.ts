/** The sockets of a network namespace, by inode (proc(5), sock_diag(7)). */
import { unhurried } from '../../../domain/unhurried.ts';
import { readFile } from 'node:fs/promises';
import type { RunTool } from '../../process/run-tool.ts';
import type { Descriptor } from './tasks.ts';

export type TcpSocket = {
  /** ESTABLISHED and the like, as in include/net/tcp_states.h. */
  readonly state: number;
  readonly local: string;
  readonly remote: string;
  /** Of a listener: connections that wait to be accepted. */
  readonly waiting: number;
};

export type Network = {
  /** Inodes of all TCP, unix and netlink sockets in it. */
  readonly known: ReadonlySet<string>;
  readonly tcp: ReadonlyMap<string, TcpSocket>;
  /** Unix sockets that are not just listening. */
  readonly unix: ReadonlySet<string>;
  /** Netlink sockets with messages that nobody has read. */
  readonly unread: ReadonlySet<string>;
};

const LISTEN = 10;
/** __SO_ACCEPTCON of linux/net.h. */
const LISTENING_FLAG = 0x1_0000;

export const isListening = ({ state }: TcpSocket): boolean => state === LISTEN;
/** Neither closed nor listening. */
export const isConnected = ({ state }: TcpSocket): boolean => ![7, LISTEN].includes(state);

export const socketInode = (target: string): string | undefined => /^socket:\[(\d+)\]$/.exec(target)?.[1];

export async function readNetwork(pid: number): Promise<Network> {
  const rows = async (name: string): Promise<readonly (readonly string[])[]> => {
    const text = await readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(1)
      .filter(Boolean)
      .map((line) => line.trim().split(/\s+/));
  };
  const [tcp, tcp6, unix, netlink] = await Promise.all(['tcp', 'tcp6', 'unix', 'netlink'].map(rows));
  return {
    known: new Set([
      ...[...(tcp ?? []), ...(tcp6 ?? []), ...(netlink ?? [])].map((row) => row[9] ?? ''),
      ...(unix ?? []).map((row) => row[6] ?? ''),
    ]),
    tcp: new Map([...(tcp ?? []), ...(tcp6 ?? [])].map((row) => [row[9] ?? '', tcpSocket(row)])),
    // Num RefCount Protocol Flags Type St Inode Path
    unix: new Set(
      (unix ?? []).filter((row) => (parseInt(row[3] ?? '', 16) & LISTENING_FLAG) === 0).map((row) => row[6] ?? ''),
    ),
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    unread: new Set((netlink ?? []).filter((row) => row[4] !== '0').map((row) => row[9] ?? '')),
  };
}

/** `0: 0100007F:1B58 0100007F:D2F6 01 00000000:00000000 00:00000000 00000000 0 0 622191 …` */
function tcpSocket(row: readonly string[]): TcpSocket {
  return {
    local: address(row[1] ?? ''),
    remote: address(row[2] ?? ''),
    state: parseInt(row[3] ?? '', 16),
    waiting: parseInt(row[4]?.split(':')[1] ?? '0', 16),
  };
}

/** Words of 32 bits in the order of the machine, which is little-endian on every machine we run on. */
function address(text: string): string {
  const [hex = '', port = ''] = text.split(':');
  const bytes = [...hex.matchAll(/.{8}/g)].flatMap(([word]) =>
    [6, 4, 2, 0].map((at) => parseInt(word.slice(at, at + 2), 16)),
  );
  const isMapped = bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  if (bytes.length === 4 || isMapped) return `${bytes.slice(-4).join('.')}:${parseInt(port, 16)}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `[${groups.join(':').replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')}]:${parseInt(port, 16)}`;
}

export type Peer = { readonly inode: string; readonly path: string | undefined };

const SS_LIMIT_MS = 2000;

/**
 * The other ends of connected unix sockets, by inode. /proc does not tell them, sock_diag(7) does: `ss` of iproute2 asks it,
 * in the network namespace of the app. Throws when a tool is missing.
 */
export async function readPeers(runTool: RunTool, pid: number): Promise<ReadonlyMap<string, Peer>> {
  const argv = ['nsenter', `--net=/proc/${pid}/ns/net`, 'ss', '--unix', '--all', '--numeric', '--no-header'];
  const { stdout } = await runTool(argv, unhurried(SS_LIMIT_MS));
  return parsePeers(stdout);
}

/** `u_str ESTAB 0 0 /run/x.sock 622191 * 621467`, where a name may be `*` and may hold blanks. */
export function parsePeers(text: string): ReadonlyMap<string, Peer> {
  const ends = text.split('\n').flatMap((line) => {
    const [, path = '', inode = '', peer = ''] =
      /^u_\w+\s+\S+\s+\d+\s+\d+\s+(.*?)\s(\d+)\s+(?:\*|\S.*?)\s(\d+)\s*$/.exec(line) ?? [];
    return inode === '' ? [] : [{ path, inode, peer }];
  });
  const paths = new Map(ends.filter(({ path }) => path !== '*').map(({ inode, path }) => [inode, path]));
  return new Map(
    ends.filter(({ peer }) => peer !== '0').map(({ inode, peer }) => [inode, { inode: peer, path: paths.get(peer) }]),
  );
}

/** The inodes of all sockets that these descriptors are. */
export const socketsOf = (descriptors: readonly Descriptor[]): ReadonlySet<string> =>
  new Set(descriptors.flatMap(({ target }) => socketInode(target) ?? []));
