/**
 * Programs besides the app's own. Dobby starts them and tells no more: no pid, no exit code, and what they say goes where the app's
 * words go. Command and options are split at single spaces, without any quoting (facts/dobby.md §3).
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Exec, ExecOrder } from '../../ports/execs.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { handleOf } from './life.ts';
import type { Parts } from './parts.ts';
import { NOBODY } from './start.ts';

const POLL_MS = 50;

export async function exec(
  parts: Parts,
  id: ContainerId,
  { order, wait }: { order: ExecOrder; wait: Wait },
): Promise<Exec> {
  const { calls } = parts;
  const handle = handleOf(parts, id);
  const words = [...Object.entries(order.env).flatMap(([name, value]) => ['--env', `${name}=${value}`])];
  if (order.cwd !== undefined) words.push('--cwd', order.cwd);
  const command = inOneLine(order.args);
  const before = new Set((await calls.info(handle, wait))?.pids ?? []);
  if (!(await calls.exec(handle, [inOneLine(words), command], wait))) throw refused(id);
  // whoever is new; one that has ended by now is not found, and need not be
  const pids = (await calls.info(handle, wait))?.pids ?? [];
  const begun = pids.filter((pid) => !before.has(pid)).flatMap((pid) => parts.processes.identify(pid) ?? []);
  return watched(parts, begun);
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
