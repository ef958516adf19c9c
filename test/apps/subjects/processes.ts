/** What the kernel keeps for processes: threads, pipes, files, terminals. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf, shell } from '../../lib/apps.ts';
import { until } from '../../lib/until.ts';
import { pythonProgram } from './servers.ts';
import { answersAt, ask, type Live, type Subject } from './subject.ts';

export const threads: Subject = {
  name: 'threads',
  what: 'Python, 50 threads and more',
  ownMiB: 5,
  app: async () => pythonProgram('threads.py'),
  fill: async (live) => {
    const { tokens } = await ask<{ readonly tokens: readonly (string | null)[] }>(live, '/state');
    assert(!tokens.includes(null), 'every thread has counted');
  },
  state: async (live) => (await ask<{ readonly tokens: readonly string[] }>(live, '/state')).tokens,
  work: async (live) => {
    const before = await ask<readonly number[]>(live, '/counts');
    await until(async () => (await ask<readonly number[]>(live, '/counts')).every((n, i) => n > (before[i] ?? n)), {
      what: 'all 50 threads count on',
    });
  },
};

/** Numbers go from a shell through four programs, a fifo and a file; none may be lost or come twice. */
const PIPES = `
mkfifo /tmp/fifo
( n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done ) | perl -pe 'BEGIN { $| = 1 } tr/0-9/a-j/' | tee /data/letters > /tmp/fifo &
perl -ne '$| = 1; tr/a-j/0-9/; print' < /tmp/fifo | while read -r number; do echo "$number" >> /data/numbers; done &
echo ready
while :; do sleep 0.05; echo $$ $PPID > /data/new; mv /data/new /data/shell; done`;

const numbersOf = async ({ storage }: Live): Promise<readonly number[]> =>
  (await readFile(join(storage, 'numbers'), 'utf8')).split('\n').filter(Boolean).map(Number);

export const pipes: Subject = {
  name: 'pipes',
  what: 'sh, 8 processes, pipes and a fifo',
  ownMiB: 0,
  app: async () => ({ rootfs: { host: true }, args: [...shell(PIPES)] }),
  fill: async (live) => {
    assert((await numbersOf(live)).length > 5);
  },
  state: ({ storage }) => readFile(join(storage, 'shell'), 'utf8'),
  work: async (live) => {
    const before = (await numbersOf(live)).length;
    const numbers = await until(
      async () => {
        const now = await numbersOf(live);
        return now.length > before + 10 && now;
      },
      { what: 'numbers come through the pipes' },
    );
    // the last line may be half written
    assert.deepEqual(
      numbers.slice(0, -1),
      numbers.slice(0, -1).map((_, index) => index + 1),
    );
  },
};

export const openFiles: Subject = {
  name: 'files',
  what: 'open, deleted, mapped and locked files on /data and tmpfs',
  ownMiB: 4,
  app: async () => pythonProgram('open_files.py'),
  fill: answersAt('/state'),
  state: (live) => ask(live, '/state'),
  work: async (live, round) => {
    assert.deepEqual(await ask(live, '/work'), {
      rounds: round,
      fifo: 'nobody has read this',
      mapped: true,
      flock: true,
      region: true,
    });
  },
};

/** Its lines go through the terminal to the log; what it asks the terminal goes to a file. */
const TERMINAL = `
stty -echo rows 41 cols 103
n=0
while :; do
  n=$((n+1)); echo "line $n"
  { tty; stty -a; } > /data/new; mv /data/new /data/terminal
  sleep 0.05
done`;

export const terminal: Subject = {
  name: 'terminal',
  what: 'sh with a terminal (pty)',
  ownMiB: 0,
  app: async () => ({ rootfs: { host: true }, args: [...shell(TERMINAL)], terminal: true }),
  fill: async (live) => {
    assert.match(await readFile(join(live.storage, 'terminal'), 'utf8'), /rows 41; columns 103/);
  },
  state: ({ storage }) => readFile(join(storage, 'terminal'), 'utf8'),
  work: async ({ client, id }) => {
    const linesOf = async () => (await outputOf(client, id)).filter((text) => text.startsWith('line ')).length;
    const before = await linesOf();
    await until(async () => (await linesOf()) > before + 5, { what: 'it writes to its terminal' });
  },
};

/** No page is like another, so neither compression nor the kernel's zero page helps. */
export const memory = (mib: number): Subject => ({
  name: `memory-${mib}`,
  what: `${mib} MB of memory in use${mib > 32 ? ' (lazy pages)' : ''}`,
  ownMiB: mib,
  app: async () => ({
    ...pythonProgram('memory.py', String(mib)),
    limits: { memoryBytes: (mib + 128) * 2 ** 20 },
  }),
  fill: answersAt('/ping'),
  state: (live) => ask(live, '/state'),
  work: async (live, round) => {
    assert.deepEqual(await ask(live, '/change'), { changes: round });
  },
});
