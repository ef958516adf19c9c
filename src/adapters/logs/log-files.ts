/**
 * The apps' logs as conmon or Dobby writes them. A cursor is `<inode>:<offset>`: at its size cap conmon makes the file anew, and then
 * reading goes on at the new file's beginning.
 */
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import type { LogLine } from '../../domain/api.ts';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logs } from '../../ports/logs.ts';
import { parseLine } from './k8s-lines.ts';
import { plainLine } from './plain-lines.ts';

const CHUNK_BYTES = 256 * 1024;
const POLL_MS = 100;
const NEWLINE = 0x0a;

type Position = { readonly inode: number; readonly offset: number };
type Chunk = { readonly lines: readonly LogLine[]; readonly end: number };

/** `plain`: what the app wrote and nothing else, as Dobby writes it. */
export type LogFormat = 'k8s' | 'plain';
type ParseLine = (line: string) => LogLine | undefined;
const PARSERS: Readonly<Record<LogFormat, ParseLine>> = { k8s: parseLine, plain: plainLine };

export function logFiles(directory: string, clock: Clock, format: LogFormat = 'k8s'): Logs {
  const parse = PARSERS[format];
  const fileOf = (id: ContainerId): string => `${directory}/${id}.log`;
  const criuLogOf = (id: ContainerId): string => `${directory}/${id}.log.criu`;
  const remove = async (id: ContainerId): Promise<void> => {
    await Promise.all([fileOf(id), criuLogOf(id)].map((file) => rm(file, { force: true })));
  };

  /** Size and inode now; undefined before the app's first word. */
  const current = (id: ContainerId): Promise<{ size: number; ino: number } | undefined> =>
    stat(fileOf(id)).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });

  return {
    fileOf,
    criuLogOf,
    remove,
    begin: remove,
    read: async (id, { cursor, tail, limit }) => {
      const there = await current(id);
      if (there === undefined) return { lines: [], cursor: cursor ?? '0:0' };
      await using file = await open(fileOf(id), 'r');
      const from = await firstOffset(file, there, { cursor, tail });
      const { lines, end } = await readLines(file, from, { limit, parse });
      return { lines, cursor: `${there.ino}:${end}` };
    },
    changed: async (id, { cursor, signal, timeoutMs }) => {
      const position = parseCursor(cursor);
      const deadline = performance.now() + timeoutMs;
      while (performance.now() < deadline && !signal.aborted) {
        const there = await current(id);
        if (there !== undefined && (there.ino !== position.inode || there.size > position.offset)) return;
        await clock.sleep(POLL_MS);
      }
    },
  };
}

function parseCursor(cursor: string): Position {
  const match = /^(\d{1,20}):(\d{1,15})$/.exec(cursor);
  if (match === null) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `${JSON.stringify(cursor)} is no cursor`,
      next: 'give the one of the last answer',
    });
  }
  return { inode: Number(match[1]), offset: Number(match[2]) };
}

type Wish = { readonly cursor: string | undefined; readonly tail: number | undefined };

async function firstOffset(
  file: FileHandle,
  there: { size: number; ino: number },
  { cursor, tail }: Wish,
): Promise<number> {
  if (cursor !== undefined) {
    const { inode, offset } = parseCursor(cursor);
    return inode === there.ino && offset <= there.size ? offset : 0;
  }
  return tail === undefined ? 0 : tailOffset(file, there.size, tail);
}

/** Where the last `count` lines begin; reads backwards, so a large file costs no more than its end. */
async function tailOffset(file: FileHandle, size: number, count: number): Promise<number> {
  let wanted = count + 1;
  for (let end = size; end > 0;) {
    const begin = Math.max(0, end - CHUNK_BYTES);
    const bytes = await readAt(file, begin, end - begin);
    for (let at = bytes.length - 1; at >= 0; at--) {
      if (bytes[at] === NEWLINE && --wanted === 0) return begin + at + 1;
    }
    end = begin;
  }
  return 0;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

type Reading = { readonly limit: number; readonly parse: ParseLine };

/** Whole lines only: conmon may be in the middle of one. */
async function readLines(file: FileHandle, from: number, { limit, parse }: Reading): Promise<Chunk> {
  const bytes = await readAt(file, from, CHUNK_BYTES);
  const lines: LogLine[] = [];
  let at = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0 && lines.length < limit; end = bytes.indexOf(NEWLINE, at)) {
    const line = parse(bytes.toString('utf8', at, end));
    if (line !== undefined) lines.push(line);
    at = end + 1;
  }
  return { lines, end: from + at };
}
