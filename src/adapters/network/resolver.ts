/** Name servers for apps, from the machine's own resolv.conf(5). */
import { readFile, rm, writeFile } from 'node:fs/promises';

/** The second is where systemd-resolved keeps the true ones, behind its own at 127.0.0.53. */
const SOURCES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1';

/** Nobody listens at the app's own loopback: such servers are left out. IPv6 ones too, for apps have IPv4 only. */
export function resolverText(text: string, servers: readonly string[]): string {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const own = lines.filter(([key]) => key === 'nameserver').map(([, server = '']) => server);
  const usable = own.filter((server) => !isLoopback(server) && !server.includes(':'));
  const kept = lines.filter(([key]) => key === 'search' || key === 'domain' || key === 'options');
  const all = [...(servers.length > 0 ? servers : usable).map((server) => ['nameserver', server]), ...kept];
  return all.map((words) => `${words.join(' ')}\n`).join('');
}

export type ResolverServers = {
  /** The machine's own when there are none. */
  readonly servers: readonly string[];
  /** For a machine whose own ones all listen at its loopback. */
  readonly lastResort?: string;
};

/** Written in place: the apps have this very file in their mounts, and shall see a new name server. */
export async function writeResolver(
  file: string,
  { servers, lastResort }: ResolverServers,
  from: readonly string[] = SOURCES,
): Promise<void> {
  const sources = await Promise.all(from.map((source) => readFile(source, 'utf8').catch(() => '')));
  const texts = sources.map((source) => resolverText(source, servers));
  const found = texts.find((one) => one.includes('nameserver'));
  const text = found ?? resolverText(sources[0] ?? '', lastResort === undefined ? [] : [lastResort]);
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return;
  await writeFile(file, text, { mode: 0o644 });
}

export const removeResolver = (file: string): Promise<void> => rm(file, { force: true });
