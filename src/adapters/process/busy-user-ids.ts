import { readdirSync, statSync } from 'node:fs';

/**
 * The user ids that processes of this machine have now, those in other containers and of other daemons included: the owners of their
 * directories in /proc. Of a process that hides its memory (prctl(2), PR_SET_DUMPABLE) that is root. One look, some µs a process.
 */
export function busyUserIds(): ReadonlySet<number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const owners = pids.map((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid);
  return new Set(owners.filter((uid) => uid !== undefined));
}
