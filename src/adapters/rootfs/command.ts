/** Will the command start? Asked before anything is made, because the answer afterwards is only "exit code 127". */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import { plainPath, type CommandQuery } from '../../domain/rootfs.ts';
import { lookup, mayExecute, type Found } from './lookup.ts';

/** Why a file cannot be run; null when it can, or when nobody can know. `absent`: a search goes on to the next place. */
type Verdict = { readonly why: string; readonly next?: string; readonly absent: boolean } | null;

const SHEBANG_BYTES = 256;

/** Throws COMMAND_NOT_FOUND. */
export async function findCommand(query: CommandQuery): Promise<void> {
  await requireDirectory(query);
  const { command, cwd, searchPath } = query;
  if (command.includes('/')) {
    const path = command.startsWith('/') ? command : `${cwd}/${command}`;
    const verdict = await judge(query, path);
    if (verdict !== null) throw refusal(query, verdict, { lookedAt: [path], hint: await suggestion(query, path) });
    return;
  }
  const places = searchPath.split(':').map((place) => `${place.startsWith('/') ? '' : `${cwd}/`}${place}/${command}`);
  let best: Verdict = { why: 'it is in none of the directories of PATH', absent: true };
  for (const place of places) {
    const verdict = await judge(query, place);
    if (verdict === null) return;
    if (best.absent && !verdict.absent) best = verdict;
  }
  throw refusal(query, best, { lookedAt: places.map(plainPath) });
}

async function requireDirectory(query: CommandQuery): Promise<void> {
  const { cwd, uid } = query;
  const found = await lookup(query, cwd);
  if (found.kind === 'hidden') return;
  const why =
    found.kind !== 'found'
      ? reasonOf(found, uid)
      : !found.stats.isDirectory()
        ? 'it is not a directory'
        : mayExecute(found.stats, query)
          ? undefined
          : `uid ${uid} may not enter it`;
  if (why === undefined) return;
  throw new RuntimeError('COMMAND_NOT_FOUND', {
    what: `the working directory ${cwd} cannot be used in the app's root file system`,
    next: 'give another cwd, or make the directory',
    details: { cwd },
    cause: why,
  });
}

async function judge(query: CommandQuery, path: string): Promise<Verdict> {
  const found = await lookup(query, path);
  const verdict = judgeFile(query, found);
  if (verdict !== null || found.kind !== 'found') return verdict;
  const interpreter = await interpreterOf(found.host);
  if (interpreter === undefined) return null;
  const where = interpreter.startsWith('/') ? interpreter : `${query.cwd}/${interpreter}`;
  const fault = judgeFile(query, await lookup(query, where));
  if (fault === null) return null;
  return {
    why: `${found.path} is a script for ${interpreter}, and ${fault.why}`,
    next: `put the interpreter in the root file system, or correct the first line of ${found.path}`,
    absent: false,
  };
}

function judgeFile(query: CommandQuery, found: Found): Verdict {
  if (found.kind === 'hidden') return null;
  if (found.kind !== 'found') return { why: reasonOf(found, query.uid), absent: found.kind === 'missing' };
  const { path, stats } = found;
  if (stats.isDirectory()) return { why: `${path} is a directory`, absent: false };
  if (!stats.isFile()) return { why: `${path} is not a file`, absent: false };
  if (mayExecute(stats, query)) return null;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  return {
    why: `uid ${query.uid} may not execute ${path} (mode ${mode}, owner ${stats.uid}:${stats.gid})`,
    next: `chmod a+rx ${found.host}`,
    absent: false,
  };
}

function reasonOf({ kind, path }: Exclude<Found, { kind: 'found' | 'hidden' }>, uid: number): string {
  switch (kind) {
    case 'missing':
      return `${path} does not exist`;
    case 'loop':
      return `the symbolic links at ${path} go round in a circle`;
    case 'not-a-directory':
      return `${path} is not a directory`;
    case 'closed':
      return `uid ${uid} may not enter ${path}`;
  }
}

/** The program on a script's first line; undefined for anything else (execve(2)). */
async function interpreterOf(host: string): Promise<string | undefined> {
  const file = await open(host);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SHEBANG_BYTES), 0, SHEBANG_BYTES, 0);
    return /^#![ \t]*([^ \t\n\0]+)/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
  } finally {
    await file.close();
  }
}

/** The same name somewhere in PATH. */
async function suggestion(query: CommandQuery, path: string): Promise<string | undefined> {
  for (const place of query.searchPath.split(':').filter((each) => each.startsWith('/'))) {
    const candidate = plainPath(`${place}/${basename(path)}`);
    const found = await lookup(query, candidate);
    if (found.kind === 'found' && judgeFile(query, found) === null) return `did you mean ${candidate}?`;
  }
  return undefined;
}

type Search = { readonly lookedAt: readonly string[]; readonly hint?: string | undefined };

function refusal(query: CommandQuery, { why, next }: NonNullable<Verdict>, { lookedAt, hint }: Search): RuntimeError {
  const { command, searchPath } = query;
  const searched = command.includes('/') ? '' : `, or set PATH (it is ${searchPath === '' ? 'empty' : searchPath})`;
  return new RuntimeError('COMMAND_NOT_FOUND', {
    what: `the command ${JSON.stringify(command)} cannot be run in the app's root file system`,
    next: next ?? hint ?? `give a path that exists there${searched}`,
    details: { command, lookedAt },
    cause: why,
  });
}
