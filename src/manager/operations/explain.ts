/** Why an app can or cannot be hibernated: what is seen now, and what CRIU said the last time. */
import type { Explanation } from '../../domain/hibernation.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';

export async function explain({ engine, surveys }: World, { record }: Instance): Promise<Explanation> {
  const { containerId, live, app, hibernation } = record;
  const log = hibernation?.failureLog ?? null;
  const seen =
    live === null ? [] : await surveys.survey({ pids: engine.members(containerId), tcp: app.hibernation.tcp });
  const said = log === null ? [] : await surveys.readLog(log);
  // what the last attempt stumbled over may be gone by now: it is told, but only what is seen now blocks
  const earlier = said.filter(({ code }) => !seen.some((finding) => finding.code === code));
  const findings = [...seen, ...earlier.map((finding) => ({ ...finding, blocks: false }))];
  return { possible: seen.some(({ blocks }) => blocks) || !app.hibernation.enabled ? 'no' : 'yes', findings, log };
}
