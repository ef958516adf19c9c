/** Programs besides the app's own, in the container as it was ordered. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import type { ContainerId } from '../../domain/ids.ts';
import type { Exec, ExecOrder } from '../../ports/execs.ts';
import type { Wait } from '../../ports/wait.ts';
import { blameDisk } from '../files/full-disk.ts';
import { listDirectory } from '../files/list-directory.ts';
import { readOrdered } from './bundle.ts';
import type { Parts } from './parts.ts';

type Ordered = { readonly process: { readonly env: readonly string[]; readonly cwd: string } };

/** Below the bundle, so that a daemon that finds the container finds them. */
const DIRECTORY = 'execs';
const PID = '.pid';

export async function exec(
  parts: Parts,
  id: ContainerId,
  { order, wait }: { order: ExecOrder; wait: Wait },
): Promise<Exec> {
  const { runtime, startExec, bundleOf } = parts;
  const bundle = bundleOf(id);
  const { process: own } = (await readOrdered(bundle)) as Ordered;
  const file = `${bundle}/${DIRECTORY}/${randomUUID()}`;
  await mkdir(`${bundle}/${DIRECTORY}`, { recursive: true, mode: 0o700 });
  const names = new Set(Object.keys(order.env));
  const inherited = own.env.filter((line) => !names.has(line.slice(0, line.indexOf('='))));
  const process = {
    // user, capabilities, rlimits and no_new_privs are the app's; seccomp and control groups are the container's anyway
    ...own,
    terminal: false,
    args: order.args,
    env: [...inherited, ...Object.entries(order.env).map(([name, value]) => `${name}=${value}`)],
    cwd: order.cwd ?? own.cwd,
  };
  const files = { specFile: file, pidFile: `${file}${PID}` };
  try {
    await writeFile(file, JSON.stringify(process), { mode: 0o600 });
    const started = await startExec({ id, bundle, runtime, ...files }, wait);
    // files that stay go with the bundle
    started.ended.then(() => forget(files.pidFile)).catch(() => undefined);
    return started;
  } catch (error) {
    await endExec(parts, id, files.pidFile);
    await endStrays(parts, id);
    throw blameDisk(error, [bundle]);
  } finally {
    // it may hold secrets
    await rm(file, { force: true });
  }
}

async function forget(pidFile: string): Promise<void> {
  // with the bundle, when that goes first
  await Promise.all([rm(pidFile, { force: true }), rm(`${pidFile}.conmon`, { force: true })]).catch(() => undefined);
}

/** The pid is only believed when the kernel has it in our group. */
async function endExec({ groups, processes }: Parts, id: ContainerId, pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  const found = groups.members(id).includes(pid) ? processes.identify(pid) : undefined;
  if (found !== undefined) processes.signalGroup(found, 'SIGKILL');
  await forget(pidFile);
}

/**
 * What came in and was left by its parent, as `runc init` that the app has stopped: its pid is in no file. An app's own processes are
 * children of each other, and of its first one.
 */
async function endStrays({ groups, processes, bundleOf }: Parts, id: ContainerId): Promise<void> {
  const directory = `${bundleOf(id)}/${DIRECTORY}`;
  const files = (await listDirectory(directory))
    .filter((name) => name.endsWith(PID))
    .map((name) => `${directory}/${name}`);
  // one that ends takes its file away
  const texts = await Promise.all(
    [`${bundleOf(id)}/pid`, ...files].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const members = new Set(groups.members(id));
  const known = new Set(texts.map(Number));
  // without its first process nothing is certain
  if (!members.has(Number(texts[0]))) return;
  for (const pid of members) {
    if (known.has(pid) || members.has(processes.parentOf(pid))) continue;
    const stray = processes.identify(pid);
    if (stray !== undefined) processes.signal(stray, 'SIGKILL');
  }
}

export async function endExecs(parts: Parts, id: ContainerId): Promise<void> {
  const directory = `${parts.bundleOf(id)}/${DIRECTORY}`;
  const names = await listDirectory(directory);
  await Promise.all(
    names.filter((name) => name.endsWith(PID)).map((name) => endExec(parts, id, `${directory}/${name}`)),
  );
}
