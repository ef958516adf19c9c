/** The whole examination of a device: works whether the daemon runs or not, and leaves nothing behind. */
import type { Finding } from '../domain/health.ts';
import { examineDaemon } from './daemon.ts';
import { examineDevices } from './devices.ts';
import { examineKernel, examineOverlays } from './kernel.ts';
import { examineNeighbours } from './neighbours.ts';
import { examineDirectories } from './places.ts';
import { failed, openPatient, type Check, type Environment } from './place.ts';
import { examineDisk, examineUserIds } from './stores.ts';
import { examineTools } from './tools.ts';
import { examineByTrial } from './trial.ts';

/** Of the machine: they need no word of the configuration but where the tools are. */
const OF_MACHINE: readonly Check[] = [
  ...[examineKernel, examineDevices, examineOverlays],
  ...[examineTools, examineDirectories, examineDisk],
];
/** One after the other: each may disturb what another measures. */
const CHECKS: readonly Check[] = [
  ...[...OF_MACHINE, examineUserIds],
  ...[examineByTrial, examineNeighbours, examineDaemon],
];

/** What a check would find fails for the same reason, in darker words; without /dev/null no program can be run at all. */
const SPOILT_BY: ReadonlyMap<Check, readonly string[]> = new Map([
  [examineOverlays, ['device nodes']],
  [examineTools, ['device nodes']],
  [examineByTrial, ['device nodes', 'directories']],
]);

/** `tell` hears each finding as soon as it is there. */
export async function examine(
  { root, env }: { readonly root: string | undefined; readonly env: Environment },
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  const note = (findings: readonly Finding[]): void => {
    for (const finding of findings) tell(finding);
    all.push(...findings);
  };
  const { patient, fault } = await openPatient(root, env);
  if (fault !== undefined) note([failed('configuration', fault)]);
  // what a daemon would do with another configuration says nothing about this one
  const checks = fault === undefined ? CHECKS : OF_MACHINE;
  for (const check of checks) {
    const causes = SPOILT_BY.get(check) ?? [];
    if (all.some((finding) => finding.state === 'fail' && causes.includes(finding.check))) continue;
    note(await check(patient).catch((error: unknown) => [failed('examination', error)]));
  }
  return all;
}
