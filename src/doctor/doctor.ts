/** The whole examination of a device: works whether the daemon runs or not, and leaves nothing behind. */
import type { Finding } from '../domain/health.ts';
import { RuntimeError } from '../domain/errors.ts';
import { examineDaemon } from './daemon.ts';
import { examineKernel } from './kernel.ts';
import { examineNeighbours } from './neighbours.ts';
import { failed, openPatient, type Check, type Environment } from './place.ts';
import { examineDisk, examineUserIds } from './stores.ts';
import { examineTools } from './tools.ts';
import { examineByTrial } from './trial.ts';

/** One after the other: each may disturb what another measures. */
const CHECKS: readonly Check[] = [
  ...[examineKernel, examineTools, examineDisk, examineUserIds],
  ...[examineByTrial, examineNeighbours, examineDaemon],
];

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
  const patient = await openPatient(root, env).catch((error: unknown) => RuntimeError.of(error));
  if (patient instanceof RuntimeError) {
    note([failed('configuration', patient)]);
    return all;
  }
  for (const check of CHECKS) note(await check(patient).catch((error: unknown) => [failed('examination', error)]));
  return all;
}
