/** Names of containers as Dobby takes them. */
import { createHash } from 'node:crypto';
import type { ContainerId } from '../../domain/ids.ts';

/**
 * At least one letter, no `..`; and a leading `-` would be an option to crun (facts/dobby.md §3). Dobby takes 128 of these and makes them
 * the host name (DobbyConfig.cpp, convertToCompliant: `hostname`), of which the kernel takes 64 (sethostname(2)): with more crun starts nothing.
 */
const PLAIN = /^(?=.*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
/** `app-HEAD-HASH` is a host name, too. */
const HEAD_LENGTH = 27;
/** The name is that of a control group at the top of every hierarchy, too: those that are the system's own are not to be shared. */
const SYSTEMS =
  /\.(?:slice|scope|service|mount|socket|swap)$|^(?:tasks|docker|lxc|runtime-manager.*|(?:cgroup|memory|cpu|cpuset|pids|io|release|notify).*)$/;

/** The id itself where Dobby takes it, else its readable head and a hash. Pure: the same container always has the same name. */
export function dobbyId(id: ContainerId): string {
  if (PLAIN.test(id) && !id.includes('..') && !SYSTEMS.test(id)) return id;
  const head = id
    .slice(0, HEAD_LENGTH)
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^-+/, '');
  return `app-${head}-${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}
