/** What is known beforehand of a hibernation by memcr, which says nothing itself (facts/dobby.md §4). */
import { stat } from 'node:fs/promises';
import type { Finding } from '../../domain/hibernation.ts';
import type { CheckpointSurveys } from '../../ports/checkpoint-surveys.ts';
import type { ProgramReader } from './program.ts';

/** Dobby looks for memcr there and nowhere else. */
export const MEMCR_SOCKET = '/tmp/memcrcom';

const NOT_BUILT_IN: Finding = {
  code: 'NO_MEMCR_IN_DOBBY',
  blocks: true,
  what: 'this Dobby was built without memcr',
  why: 'it says yes to every hibernation, and lets the app run on',
  next: 'build Dobby with DOBBY_HIBERNATE_MEMCR_IMPL=ON',
};

const NO_MEMCR: Finding = {
  code: 'NO_MEMCR',
  blocks: true,
  what: `memcr does not listen at ${MEMCR_SOCKET}`,
  why: 'Dobby has the memory of apps written out by memcr, a daemon of its own, and looks for it there',
  next: 'start memcr -l /tmp/memcrcom (docs/dobby.md), on the same machine and with the same /tmp as Dobby',
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

export const isListening = (socket: string): Promise<boolean> =>
  stat(socket).then(
    (found) => found.isSocket(),
    () => false,
  );

export const memcrSurveys = (read: ProgramReader): CheckpointSurveys => ({
  survey: async () => {
    const found = await read().catch(() => undefined);
    if (found?.program?.withoutMemcr === true) return [NOT_BUILT_IN, ...REMARKS];
    return (await isListening(MEMCR_SOCKET)) ? REMARKS : [NO_MEMCR, ...REMARKS];
  },
  blockers: () => [],
  savedBesidesMemory: () => Promise.resolve(0),
  readLog: () => Promise.resolve([]),
});
