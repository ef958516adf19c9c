/** A process that writes to a journal until it is killed; it says the number of each event that was acknowledged. */
import { systemClock } from '../../src/adapters/process/clock.ts';
import { openJournal } from '../../src/adapters/sqlite/journal.ts';
import { change } from './journal-records.ts';

const journal = await openJournal({
  file: process.argv[2] ?? '',
  ...{ maxEvents: 1_000_000, maxEventBytes: 2 ** 30, maxEventAgeMs: 3_600_000 },
  clock: systemClock,
  fatal: (error) => {
    throw error;
  },
});
let next = (await journal.load()).lastSeq + 1;

async function write(): Promise<void> {
  for (;;) {
    const [event] = await journal.commit(change(next++));
    process.stdout.write(`${event?.seq ?? ''}\n`);
  }
}

// several at once, so that commits are in every stage when the end comes
await Promise.all(Array.from({ length: 5 }, write));
