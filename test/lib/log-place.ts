/** A log as conmon writes it, and its readers. */
import { appendFile, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logFiles } from '../../src/adapters/logs/log-files.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { appInstanceId, containerIdFor } from '../../src/domain/ids.ts';

export const ID = containerIdFor(appInstanceId('app'));
export const line = (text: string, tag = 'F', stream = 'stdout'): string =>
  `2026-11-23T07:17:31.123456789+00:00 ${stream} ${tag} ${text}\n`;
export const numbered = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);
export const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => line(`line ${from + index}`)).join('');

export async function place({ rotates = true } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-logs-'));
  const logs = logFiles(directory, systemClock, rotates ? 'k8s' : 'plain');
  const file = logs.fileOf(ID);
  type Query = { cursor?: string; tail?: number; limit?: number; previous?: boolean; isComplete?: boolean };
  const page = (query: Query = {}) => logs.read(ID, { limit: 1000, isComplete: false, ...query });
  return {
    logs,
    file,
    write: (text: string | Uint8Array) => appendFile(file, text),
    /** As conmon does it (src/ctr_logging.c, reopen_k8s_file). */
    rotate: async (text: string) => {
      await using next = await open(`${file}.tmp`, 'w');
      await rename(`${file}.tmp`, file);
      await next.write(text);
    },
    page,
    read: async (query: Query = {}) => {
      const { lines: found, cursor, gap } = await page(query);
      return { texts: found.map(({ text }) => text), cursor, found, gap: gap === true };
    },
    /** Every page from a cursor on; `…` where a page says that something is missing. */
    all: async (cursor?: string, query: Query = {}) => {
      const texts: string[] = [];
      for (let at = cursor; ;) {
        const { lines: found, gap, cursor: next } = await page({ ...query, ...(at !== undefined && { cursor: at }) });
        if (gap === true) texts.push('…');
        texts.push(...found.map(({ text }) => text));
        if (found.length === 0) return { texts, cursor: next };
        at = next;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await logs.remove(ID);
      await rm(directory, { recursive: true });
    },
  };
}
