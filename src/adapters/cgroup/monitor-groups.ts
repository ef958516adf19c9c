/**
 * The control group of whatever must live on without the daemon (conmon, page servers, guards of settings), beside those of the apps:
 * what ends all processes of the daemon's own group (`systemctl kill -s KILL`) must not take the apps' exit codes with it. It is only in
 * the hierarchies by which a service manager knows its processes: v2, and v1's that is named systemd.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';
import { countingHierarchies } from './hierarchies.ts';

export const MONITORS = 'monitors';

/** Puts a process there. Throws when that cannot be. */
export function monitorGroups(parent: string, mountInfo: string): (pid: number) => void {
  const groups = countingHierarchies(mountInfo).map((mountPoint) => `${mountPoint}${parent}/${MONITORS}`);
  return (pid) => {
    for (const group of groups) {
      mkdirSync(group, { recursive: true });
      join(`${group}/cgroup.procs`, pid);
    }
  };
}

/** `file`: a group's cgroup.procs. */
export function join(file: string, pid: number): void {
  try {
    writeFileSync(file, String(pid));
  } catch (error) {
    // it has ended already, which whoever waits for it sees by itself
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
