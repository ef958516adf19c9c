/** How many connections there may be, so that descriptors are left for the work: apps, tools, files. */
import { readFileSync } from 'node:fs';

export type ConnectionBudget = { readonly unix: number; readonly tcp: number };

const MOST_UNIX = 1024;
const FEWEST = 8;

/**
 * A quarter of the descriptors for callers by the unix socket and a quarter for TCP, there half of it for connections that have not
 * shown who they are. Node has raised the soft limit to the hard one when this is read.
 */
export function connectionBudget(limits: string, maxTcp: number): ConnectionBudget {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const part = (share: number, most: number): number => Math.max(FEWEST, Math.min(most, Math.floor(limit * share)));
  return { unix: part(1 / 4, MOST_UNIX), tcp: Math.min(maxTcp, part(1 / 8, maxTcp)) };
}

export const readLimits = (): string => readFileSync('/proc/self/limits', 'utf8');
