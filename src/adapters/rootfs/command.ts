/** Will the command start? Asked before anything is made, because the answer afterwards is only "exit code 127". */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import { nativeMachine } from '../../domain/elf.ts';
import { plainPath, STORAGE_POINT, type CommandQuery } from '../../domain/rootfs.ts';
import { foreignMachine } from '../files/programs.ts';
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
  // made for the app's first run, after this look
  if (plainPath(cwd) === STORAGE_POINT) return;
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
  const { verdict, head } = await judgeProgram(query, found);
  const interpreter = verdict === null && head !== undefined ? interpreterIn(head) : undefined;
  if (interpreter === undefined || found.kind !== 'found') return verdict;
  const where = interpreter.startsWith('/') ? interpreter : `${query.cwd}/${interpreter}`;
  const { verdict: fault } = await judgeProgram(query, await lookup(query, where));
  if (fault === null) return null;
  return {
    why: `${found.path} is a script for ${interpreter}, and ${fault.why}`,
    next: `put the interpreter in the root file system, or correct the first line of ${found.path}`,
    absent: false,
  };
}

type Judged = { readonly verdict: Verdict; readonly head?: Buffer };

/** A program for another machine is refused by the kernel (ENOEXEC), and execvp(3) would then run its bytes as a shell script. */
async function judgeProgram(query: CommandQuery, found: Found): Promise<Judged> {
  const verdict = judgeFile(query, found);
  if (verdict !== null || found.kind !== 'found') return { verdict };
  const head = await headOf(found.host);
  const machine = await foreignMachine(head);
  if (machine === undefined) return { verdict: null, head };
  const own = nativeMachine(process.arch);
  const why = `${found.path} is a program for ${machine}, and this device is ${own}`;
  return { verdict: { why, next: `use an image or a program for ${own}`, absent: false } };
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

async function headOf(host: string): Promise<Buffer> {
  await using file = await open(host);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SHEBANG_BYTES), 0, SHEBANG_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

/** The program on a script's first line; undefined for anything else (execve(2)). */
const interpreterIn = (head: Buffer): string | undefined => /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1'))?.[1];

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
