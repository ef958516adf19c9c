/**
 * The apps' logs as conmon or Dobby writes them. A cursor is `<part>:<offset>`, see parts.ts: what was read is not read again, and
 * where a part is missing the page says so.
 */
import { open, rm } from 'node:fs/promises';
import type { LogLine, LogPage } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogQuery, Logs } from '../../ports/logs.ts';
import { parseLine } from './k8s-lines.ts';
import {
  beginParts,
  hasRotated,
  lookAtParts,
  previousParts,
  PARTS,
  removeParts,
  type LogPlace,
  type Part,
  type Parts,
} from './parts.ts';
import { plainLine } from './plain-lines.ts';
import { rotationWatch } from './rotation-watch.ts';
import { CHUNK_BYTES, findTail, readLines, type ParseLine } from './read-lines.ts';

const POLL_MS = 100;
const ATTEMPTS = 5;
/** conmon writes pieces of 8 KiB at most: a part has room for some. */
const MIN_PART_BYTES = 16 * 1024;

/** `plain`: what the app wrote and nothing else, as Dobby writes it. */
export type LogFormat = 'k8s' | 'plain';
const PARSERS: Readonly<Record<LogFormat, ParseLine>> = { k8s: parseLine, plain: plainLine };

type Position = { readonly number: number; readonly offset: number };
type Page = Omit<LogPage, 'ended'>;
/** What can be read, in order. */
type Known = { readonly parts: readonly Part[]; readonly current: number | undefined; readonly firstOfRun: number };

export function logFiles(directory: string, clock: Clock, format: LogFormat = 'k8s'): Logs {
  const fileOf = (id: ContainerId): string => `${directory}/${id}.log`;
  const criuLogOf = (id: ContainerId): string => `${directory}/${id}.log.criu`;
  const placeOf = (id: ContainerId): LogPlace => ({ file: fileOf(id), rotates: format === 'k8s' });
  const inTurn = turns();

  const { lookAndWait, ...attention } = watchedParts(inTurn, placeOf);

  async function look(
    id: ContainerId,
    { previous, isComplete }: Pick<LogQuery, 'previous' | 'isComplete'>,
  ): Promise<Known> {
    const before = await previousParts(placeOf(id));
    if (previous === true) return { parts: before, current: undefined, firstOfRun: before[0]?.number ?? 1 };
    const { parts, current } = await (isComplete ? lookAtParts(placeOf(id)) : lookAndWait(id));
    return { parts: [...before, ...parts], current, firstOfRun: parts[0]?.number ?? (before.at(-1)?.number ?? 0) + 1 };
  }

  return {
    fileOf,
    criuLogOf,
    partBytes: (logMaxBytes) =>
      format === 'k8s' ? Math.max(MIN_PART_BYTES, Math.floor(logMaxBytes / PARTS)) : logMaxBytes,
    attend: async (living) => {
      attention.leaveAllBut(living);
      if (format === 'plain') return;
      const unattended = [...living].filter((id) => !attention.has(id));
      await Promise.all(unattended.map((id) => inTurn(id, () => lookAndWait(id))));
    },
    remove: (id) =>
      inTurn(id, async () => {
        attention.attend(id, undefined);
        await Promise.all([removeParts(placeOf(id)), rm(criuLogOf(id), { force: true })]);
      }),
    begin: (id) =>
      inTurn(id, async () => {
        attention.attend(id, undefined);
        await Promise.all([beginParts(placeOf(id)), rm(criuLogOf(id), { force: true })]);
        await lookAndWait(id);
      }),
    read: (id, query) =>
      inTurn(id, async () => {
        const known = await look(id, query);
        if (query.previous === true && known.parts.length === 0) throw noEarlierRun();
        return readPage(known, query, PARSERS[format]);
      }),
    changed: async (id, { cursor, signal, timeoutMs }) => {
      const position = parseCursor(cursor);
      const deadline = performance.now() + timeoutMs;
      while (performance.now() < deadline && !signal.aborted) {
        const { parts } = await inTurn(id, () => look(id, { isComplete: false }));
        if (parts.some((part) => isBehind(position, part))) return;
        await clock.sleep(POLL_MS);
      }
    },
  };
}

const isBehind = (position: Position, { number, sizeBytes }: Part): boolean =>
  number > position.number ? sizeBytes > 0 : number === position.number && sizeBytes !== position.offset;

const noEarlierRun = (): RuntimeError =>
  new RuntimeError('NOT_FOUND', {
    what: 'no log of an earlier run is kept',
    next: 'leave --previous out; the log of the last run is kept from the beginning of the next one on',
  });

type InTurn = <Value>(id: ContainerId, deed: () => Promise<Value>) => Promise<Value>;

/** Looks at once when conmon has rotated its file: every part is seen, unless several come in one turn of the event loop. */
function watchedParts(inTurn: InTurn, placeOf: (id: ContainerId) => LogPlace) {
  const attention = rotationWatch((id) => inTurn(id, () => lookAndWait(id)));

  async function lookAndWait(id: ContainerId): Promise<Parts> {
    for (let attempt = 1; ; attempt++) {
      const seen = await lookAtParts(placeOf(id));
      attention.attend(id, seen.next);
      // it may have come before we listened
      if (attempt >= ATTEMPTS || !(await hasRotated(placeOf(id), seen))) return seen;
    }
  }
  return { lookAndWait, ...attention };
}

/** One after the other for each container: a look may give a part its number. */
function turns(): InTurn {
  const last = new Map<ContainerId, Promise<unknown>>();
  return async <Value>(id: ContainerId, deed: () => Promise<Value>): Promise<Value> => {
    const before = last.get(id) ?? Promise.resolve();
    const mine = before.then(deed, deed);
    // for the next in turn; this one's caller gets the error
    const over = mine.catch(() => undefined);
    last.set(id, over);
    try {
      return await mine;
    } finally {
      if (last.get(id) === over) last.delete(id);
    }
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
  return { number: Number(match[1]), offset: Number(match[2]) };
}

/** The first lines after a place; over parts that follow each other, so that a missing one is always before a page. */
async function readPage(known: Known, query: LogQuery, parse: ParseLine): Promise<Page> {
  const { parts, current, firstOfRun } = known;
  const lines: LogLine[] = [];
  let { number, offset, gap } = await begin(known, query);
  let bytesLeft = CHUNK_BYTES;
  for (const part of parts.filter((one) => one.number >= number)) {
    if (part.number > number) {
      // empty: it is still to come
      if (part.sizeBytes === 0 && part.number !== current) continue;
      const isNext = part.number === number + 1 || part.number === firstOfRun;
      if (!isNext && lines.length > 0) break;
      gap ||= !isNext;
      [number, offset] = [part.number, 0];
    }
    const isLast = !parts.some((one) => one.number > number && (one.sizeBytes > 0 || one.number === current));
    await using file = await open(part.path, 'r');
    const chunk = await readLines(file, offset, {
      ...{ limit: query.limit - lines.length, bytes: bytesLeft, parse },
      completeBytes: !isLast || query.isComplete ? part.sizeBytes : undefined,
    });
    lines.push(...chunk.lines);
    bytesLeft -= chunk.end - offset;
    offset = chunk.end;
    // the rest of this part is for the next page
    if (offset < part.sizeBytes) break;
  }
  return { lines, cursor: `${number}:${offset}`, ...(gap && { gap }) };
}

type Beginning = Position & { readonly gap: boolean };

async function begin({ parts, firstOfRun }: Known, { cursor, tail }: LogQuery): Promise<Beginning> {
  if (cursor === undefined) {
    const ofRun = parts.filter(({ number }) => number >= firstOfRun);
    return { ...(await firstPosition(ofRun, { tail, firstOfRun })), gap: false };
  }
  const position = parseCursor(cursor);
  const part = parts.find(({ number }) => number === position.number);
  // somebody made the file shorter
  if (part !== undefined && part.sizeBytes < position.offset) return { ...position, offset: 0, gap: true };
  // known, or nothing of it was read yet
  if (part !== undefined || (position.number === firstOfRun && position.offset === 0)) {
    return { ...position, gap: false };
  }
  const next = parts.find(({ number }) => number > position.number)?.number ?? firstOfRun;
  return { number: next, offset: 0, gap: true };
}

/** Of the last `tail` lines, over as many parts as they are in. */
async function firstPosition(
  parts: readonly Part[],
  { tail, firstOfRun }: { readonly tail: number | undefined; readonly firstOfRun: number },
): Promise<Position> {
  let place: Position = { number: firstOfRun, offset: 0 };
  if (tail === undefined) return place;
  let wanted = tail;
  for (const part of parts.toReversed()) {
    await using file = await open(part.path, 'r');
    const { offset, found } = await findTail(file, part.sizeBytes, wanted);
    place = { number: part.number, offset };
    wanted -= found;
    if (wanted === 0) break;
  }
  return place;
}
