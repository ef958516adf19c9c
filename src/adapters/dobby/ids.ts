/** Names of containers as Dobby takes them. */
import { createHash } from 'node:crypto';
import type { ContainerId } from '../../domain/ids.ts';

/** 1 to 128 of these, at least one letter, no `..`; and a leading `-` would be an option to crun (facts/dobby.md §3). */
const PLAIN = /^(?=.*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** The name is that of a control group at the top of every hierarchy, too: those that are the system's own are not to be shared. */
const SYSTEMS =
  /\.(?:slice|scope|service|mount|socket|swap)$|^(?:tasks|docker|lxc|runtime-manager.*|(?:cgroup|memory|cpu|cpuset|pids|io|release|notify).*)$/;

/** The id itself where Dobby takes it, else its readable head and a hash. Pure: the same container always has the same name. */
export function dobbyId(id: ContainerId): string {
  if (PLAIN.test(id) && !id.includes('..') && !SYSTEMS.test(id)) return id;
  const head = id
    .slice(0, 60)
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^-+/, '');
  return `app-${head}-${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}
