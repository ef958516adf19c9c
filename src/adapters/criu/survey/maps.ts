/** Memory mappings (proc(5), maps): only those of a file can stand in the way, and only some of them. */
import { readFile } from 'node:fs/promises';
import { who } from '../words.ts';
import { anonymousFinding, deletedFinding, deviceFinding, type FileQuery, type Told } from './files.ts';
import { processOf, type Task } from './tasks.ts';

/** `7f..-7f.. rw-p 00000000 00:0e 123   /path`: those whose name says that they may be special. */
const SPECIAL = /^([0-9a-f]+-[0-9a-f]+) .*? (anon_inode:.*|\/dev\/.*|\/secretmem.*|\[uprobes\]|\/.* \(deleted\))$/gm;
/** Shared and anonymous memory, which has no file: CRIU saves it as memory. */
const MEMORY = /^\/(?:memfd:|SYSV|dev\/zero|dev\/shm\/|anon_hugepage|\[aio\])/;

export async function mapFindings(task: Task, query: FileQuery): Promise<readonly Told[]> {
  // not synchronously: a process that hangs in the kernel may hold its list of mappings locked
  const text = await readFile(`/proc/${task.pid}/maps`, 'latin1').catch(() => '');
  const seen = new Map([...text.matchAll(SPECIAL)].map(([, range = '', target = '']) => [target, range]));
  const found = await Promise.all([...seen].map(([target, range]) => mapFinding(task, { target, range }, query)));
  return found.filter((one) => one !== undefined);
}

/** Of a range as it stands in `maps`. */
export const mappedFile = (pid: number, range: string): string =>
  `/proc/${pid}/map_files/${range.replace(/^0+(?=.)/, '').replace(/-0+(?=.)/, '-')}`;

type Mapping = { readonly target: string; readonly range: string };

async function mapFinding(task: Task, { target, range }: Mapping, query: FileQuery): Promise<Told | undefined> {
  const name = who(processOf(task));
  const link = mappedFile(task.pid, range);
  if (target === '[uprobes]') {
    return {
      code: 'UPROBES',
      blocks: true,
      what: `${name} is being traced with uprobes`,
      why: 'the tracer has put code of the kernel into its memory, which cannot be saved',
      next: 'end the tracing (bpftrace, perf probe, SystemTap) and try again',
    };
  }
  if (MEMORY.test(target)) return undefined;
  if (target.startsWith('/secretmem')) {
    return {
      code: 'SECRET_MEMORY',
      blocks: true,
      what: `${name} has secret memory (memfd_secret)`,
      why: 'nobody but the app can read it, so it cannot be saved',
      next: 'switch secret memory off in the app',
    };
  }
  if (target.startsWith('anon_inode:')) return anonymousFinding(name, target);
  if (target.startsWith('/dev/')) {
    const device = await deviceFinding(name, link, target);
    return (
      device && { ...device, code: 'DEVICE_MAPPING', what: `${name} has the memory of a device mapped (${target})` }
    );
  }
  return deletedFinding({ name, link, target, pid: task.pid }, query);
}
