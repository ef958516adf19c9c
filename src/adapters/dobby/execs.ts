/**
 * Programs besides the app's own. Dobby starts them and tells no more: no pid, no exit code, and what they say goes where the app's
 * words go. Command and options are split at single spaces, without any quoting (facts/dobby.md §3).
 */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Exec, ExecOrder } from '../../ports/execs.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { handleOf } from './life.ts';
import type { Parts } from './parts.ts';
import { initIn, NOBODY } from './start.ts';

const POLL_MS = 50;

export async function exec(
  parts: Parts,
  id: ContainerId,
  { order, wait }: { order: ExecOrder; wait: Wait },
): Promise<Exec> {
  const { calls } = parts;
  const handle = handleOf(parts, id);
  const command = inOneLine(order.args);
  const info = await calls.info(handle, wait);
  const words = await variables(order.env, initIn(info));
  if (order.cwd !== undefined) words.push('--cwd', order.cwd);
  const before = new Set(info?.pids ?? []);
  if (!(await calls.exec(handle, [inOneLine(words), command], wait))) throw refused(id);
  // whoever is new; one that has ended by now is not found, and need not be
  const pids = (await calls.info(handle, wait))?.pids ?? [];
  const begun = pids.filter((pid) => !before.has(pid)).flatMap((pid) => parts.processes.identify(pid) ?? []);
  return watched(parts, begun);
}

/** Options of crun's. With one variable given it takes the app's own away, PATH among them, so these are given, too. */
async function variables(env: ExecOrder['env'], init: number | undefined): Promise<string[]> {
  const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (given.length === 0) return [];
  const own = (await readFile(`/proc/${init ?? 0}/environ`, 'utf8').catch(() => '')).split('\0');
  const kept = own.filter((line) => line !== '' && !/\s/.test(line) && !Object.hasOwn(env, line.replace(/=.*/, '')));
  return [...kept, ...given].flatMap((line) => ['--env', line]);
}

function watched({ processes, clock }: Parts, begun: readonly ProcessId[]): Exec {
  const isThere = (): boolean => begun.some((one) => processes.isAlive(one));
  const ended = (async () => {
    while (isThere()) await clock.sleep(POLL_MS);
    return null;
  })();
  return {
    process: begun[0] ?? NOBODY,
    // Dobby hands nothing in and nothing out
    stdin: { write: () => Promise.resolve(), end: () => undefined },
    stdout: nothing(),
    stderr: nothing(),
    ended,
    standstill: () => begun.map((one) => processes.standstill(one)).find((why) => why !== undefined),
    giveUp: () => undefined,
    signal: (name) => {
      for (const one of begun) processes.signal(one, name);
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}

function inOneLine(words: readonly string[]): string {
  const strange = words.find((word) => word === '' || /\s/.test(word));
  if (strange === undefined) return words.join(' ');
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `Dobby cannot run a program with the argument ${JSON.stringify(strange)}: it splits the line at spaces`,
    next: 'put the command into a script in the app, and run that',
  });
}

const refused = (id: ContainerId): RuntimeError =>
  new RuntimeError('TOOL_FAILED', {
    what: `Dobby ran nothing in ${id}`,
    next: "it needs /usr/libexec/DobbyInit in the app's root, and never does it in builds for production; its log says more",
  });
