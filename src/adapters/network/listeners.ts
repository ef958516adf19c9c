/** Who else has a port of this machine: processes that listen, and other daemons that publish it. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import * as z from 'zod';
import type { PublishedPort } from '../../domain/network.ts';
import type { PortOwner } from '../../ports/networks.ts';

/** Of the kernel's tables (proc(5), /proc/net/tcp): 0A is LISTEN; a UDP socket without a peer is 07. */
const TABLES = [
  { protocol: 'tcp', files: ['tcp', 'tcp6'], state: '0A' },
  { protocol: 'udp', files: ['udp', 'udp6'], state: '07' },
] as const;

/** Inode of the socket that listens at each port that is looked for. */
async function listening(ports: readonly PublishedPort[]): Promise<ReadonlyMap<string, PublishedPort>> {
  const found = new Map<string, PublishedPort>();
  for (const { protocol, files, state } of TABLES) {
    const wanted = ports.filter((port) => port.protocol === protocol);
    if (wanted.length === 0) continue;
    const texts = await Promise.all(files.map((file) => readFile(`/proc/net/${file}`, 'latin1').catch(() => '')));
    for (const line of texts.flatMap((text) => text.split('\n').slice(1))) {
      const [, local = '', , itsState, , , , , , inode = ''] = line.trim().split(/\s+/);
      const port = wanted.find(({ host }) => host === parseInt(local.split(':')[1] ?? '', 16));
      if (port !== undefined && itsState === state) found.set(`socket:[${inode}]`, port);
    }
  }
  return found;
}

/** Processes that listen at one of these ports, in this network namespace. Looks through /proc only when somebody does. */
export async function listeners(ports: readonly PublishedPort[]): Promise<readonly PortOwner[]> {
  const sockets = await listening(ports);
  if (sockets.size === 0) return [];
  const owners = new Map([...sockets.values()].map((port) => [port, 'a process that is not to be seen from here']));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // one process after the other: all at once took a descriptor and a buffer for each
  for (const pid of pids) {
    // a process that ends while it is looked at listens no more
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    const port = links.map((link) => sockets.get(link)).find((one) => one !== undefined);
    if (port === undefined) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    owners.set(port, `the process ${name.trim()} (pid ${pid})`);
  }
  return [...owners].map(([port, owner]) => ({ port, owner }));
}

const mapsSchema = z.object({
  nftables: z.array(
    z.looseObject({
      map: z.optional(z.looseObject({ table: z.string(), name: z.string(), elem: z.array(z.unknown()).default([]) })),
    }),
  ),
});

/** Element of a map in nft's JSON: `[{"concat": ["tcp", 8080]}, …]`, or with an address before that. */
const keySchema = z.union([
  z.tuple([z.string(), z.number()]),
  z.tuple([z.string(), z.string(), z.number()]).transform(([, protocol, host]) => [protocol, host] as const),
]);
const elementSchema = z.tuple([z.object({ concat: keySchema })]).rest(z.unknown());

/** Ports in the tables of other daemons of ours, from `nft -j list maps ip`. */
export function publishedElsewhere(
  json: string,
  ports: readonly PublishedPort[],
  isOther: (table: string) => boolean,
): readonly PortOwner[] {
  const maps = mapsSchema.parse(JSON.parse(json)).nftables.flatMap(({ map }) => (map === undefined ? [] : [map]));
  return maps
    .filter(({ table, name }) => ['ports', 'places'].includes(name) && isOther(table))
    .flatMap(({ table, elem }) =>
      elem.flatMap((element) => {
        const [protocol, host] = elementSchema.safeParse(element).data?.[0].concat ?? [];
        const port = ports.find((one) => one.protocol === protocol && one.host === host);
        return port === undefined ? [] : [{ port, owner: `an app of another Runtime Manager (nft table ip ${table})` }];
      }),
    );
}
