/** What is known beforehand of a hibernation by memcr, which says nothing itself (facts/dobby.md §4). */
import type { Finding } from '../../domain/hibernation.ts';
import type { CheckpointSurveys } from '../../ports/checkpoint-surveys.ts';
import { memcrLife, NOT_BUILT_IN, NOT_THERE } from './memcr.ts';
import type { ProgramReader } from './program.ts';

const FINDINGS: Readonly<Record<'NO_MEMCR_IN_DOBBY' | 'NO_MEMCR', Finding>> = {
  NO_MEMCR_IN_DOBBY: { code: 'NO_MEMCR_IN_DOBBY', blocks: true, ...NOT_BUILT_IN },
  NO_MEMCR: { code: 'NO_MEMCR', blocks: true, ...NOT_THERE },
};

const REMARKS: readonly Finding[] = [
  {
    code: 'IN_MEMORY_ONLY',
    blocks: false,
    what: 'a hibernated app survives no reboot, and no end of memcr or Dobby',
    why: 'memcr writes the memory of the processes out and keeps the processes themselves, stopped',
    next: 'use the engine embedded (CRIU) for apps that must survive',
  },
  {
    code: 'FORKING',
    blocks: false,
    what: 'an app that starts short-lived programs all the time may not be hibernated',
    why: 'Dobby takes the processes one after the other, and fails when one is gone by then',
    next: 'hibernate it when it is at rest; it is tried again from the beginning each time',
  },
  {
    code: 'CONNECTIONS_STAY',
    blocks: false,
    what: 'TCP connections stay open, whatever hibernation.tcp says',
    why: 'the kernel keeps the sockets of a process that memcr has stopped; its peers wait for answers',
    next: 'have the app close them, or expect its peers to give up',
  },
];

export const memcrSurveys = (read: ProgramReader, socket: string): CheckpointSurveys => ({
  survey: async () => {
    const found = await read().catch(() => undefined);
    if (found?.program?.withoutMemcr === true) return [FINDINGS.NO_MEMCR_IN_DOBBY, ...REMARKS];
    return (await memcrLife(socket)) === undefined ? [FINDINGS.NO_MEMCR, ...REMARKS] : REMARKS;
  },
  blockers: () => [],
  savedBesidesMemory: () => Promise.resolve(0),
  readLog: () => Promise.resolve([]),
});
