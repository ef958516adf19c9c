/** What stands in the way of a checkpoint: before it, from /proc; after a failure, from CRIU's log. */
import type { Finding } from '../../domain/hibernation.ts';
import type { CheckpointSurveys, SurveyOrder } from '../../ports/checkpoint-surveys.ts';
import type { RunTool } from '../process/run-tool.ts';
import { readLog } from './log.ts';
import { anonymousFinding, fileFinding, type FileQuery, type Told } from './survey/files.ts';
import { mapFindings } from './survey/maps.ts';
import { mountFindings, readMounts, type Mount } from './survey/mounts.ts';
import { savedBesidesMemory } from './survey/saved.ts';
import { socketFindings } from './survey/sockets.ts';
import { firstProcess, stateFindings } from './survey/states.ts';
import { processOf, readDescriptors, readTask, type Descriptor, type Task } from './survey/tasks.ts';
import { who } from './words.ts';

export type SurveyOptions = {
  /** As in CRIU's configuration: deleted files up to this size go into the image. */
  readonly ghostLimitBytes: number;
  /** As in CRIU's configuration (`skip-in-flight`). */
  readonly skipsInFlight: boolean;
};

/** More of the same kind tell an operator nothing. */
const MAX_OF_A_KIND = 20;

/** The tools that are run (nsenter, ss) are found in the runner's PATH. */
export function criuSurveys(runTool: RunTool, options: SurveyOptions): CheckpointSurveys {
  return {
    survey: (order) => survey(runTool, options, order),
    blockers: (pids) =>
      stateFindings(pids.map(readTask).filter((task) => task !== undefined)).filter(({ blocks }) => blocks),
    savedBesidesMemory,
    readLog,
  };
}

async function survey(
  runTool: RunTool,
  { ghostLimitBytes, skipsInFlight }: SurveyOptions,
  { pids, tcp }: SurveyOrder,
): Promise<readonly Finding[]> {
  const tasks = pids.map(readTask).filter((task) => task !== undefined);
  const living = tasks.filter(({ state }) => !'ZXx'.includes(state));
  const descriptors = living.flatMap(readDescriptors);
  const [mountsOf, hostMounts] = await Promise.all([readAllMounts(living), readMounts('self')]);
  const query = (task: Task): FileQuery => ({ mounts: mountsOf.get(task.namespaces.mnt) ?? [], ghostLimitBytes });
  const init = firstProcess(tasks);
  const atOnce = [
    ...stateFindings(tasks),
    ...(init === undefined ? [] : mountFindings(mountsOf.get(init.namespaces.mnt) ?? [], hostMounts)),
  ];
  const looked = await Promise.all([
    ...descriptors.map((descriptor) => descriptorFindings(descriptor, query(descriptor.task))),
    socketFindings(runTool, descriptors, { tcp, skipsInFlight }),
    ...living.map((task) => memoryFindings(task, query(task))),
  ]);
  return arrange([...atOnce, ...looked.flat()]);
}

async function readAllMounts(tasks: readonly Task[]): Promise<ReadonlyMap<string, readonly Mount[]>> {
  const one = new Map(tasks.map(({ namespaces, pid }) => [namespaces.mnt, pid]));
  return new Map(await Promise.all([...one].map(async ([mnt, pid]) => [mnt, await readMounts(pid)] as const)));
}

async function descriptorFindings(descriptor: Descriptor, query: FileQuery): Promise<readonly Finding[]> {
  const { task, fd, target } = descriptor;
  const told: Told | undefined = target.startsWith('/')
    ? await fileFinding(descriptor, query)
    : anonymousFinding(who(processOf(task)), target);
  return told === undefined ? [] : [{ ...told, process: processOf(task), descriptor: { fd, target } }];
}

async function memoryFindings(task: Task, query: FileQuery): Promise<readonly Finding[]> {
  return (await mapFindings(task, query)).map((told) => ({ ...told, process: processOf(task) }));
}

/** What blocks comes first. A mapping of what a process has open as well is not told twice. */
function arrange(findings: readonly Finding[]): readonly Finding[] {
  const open = new Set(findings.filter(({ descriptor }) => descriptor !== undefined).map(kindAndProcess));
  const counts = new Map<string, number>();
  return findings
    .filter(
      (finding) =>
        finding.descriptor !== undefined || finding.process === undefined || !open.has(kindAndProcess(finding)),
    )
    .filter(({ code }) => {
      counts.set(code, (counts.get(code) ?? 0) + 1);
      return (counts.get(code) ?? 0) <= MAX_OF_A_KIND;
    })
    .toSorted((one, other) => Number(other.blocks) - Number(one.blocks));
}

const kindAndProcess = ({ code, process }: Finding): string => `${code} ${process?.pid ?? ''}`;
