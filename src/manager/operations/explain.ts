/** Why an app can or cannot be hibernated: what is seen now, and what CRIU said the last time. */
import type { Explanation, Finding, Proof } from '../../domain/hibernation.ts';
import { isAlive } from '../../domain/states.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { placementOf } from './displays.ts';
import { withoutUs } from './screen.ts';

const DISABLED: Finding = {
  code: 'DISABLED',
  blocks: true,
  what: 'hibernation is switched off for this app',
  why: 'it was run with hibernation.enabled: false',
  next: 'run it again with hibernation.enabled: true',
};

const ENDED: Finding = {
  code: 'ENDED',
  blocks: true,
  what: 'the app has ended',
  why: 'only an app that lives can be hibernated',
  next: 'run it again',
};

/** Only a trial that came to an end blocks. */
const ofEngine = (proof: Proof | undefined): readonly Finding[] => {
  if (proof === undefined || proof.possible === true) return [];
  const { possible, why, next } = proof;
  if (possible === false) {
    const what = 'no app can be hibernated on this device: it was tried';
    return [{ code: 'ENGINE_CANNOT', blocks: true, what, why, next }];
  }
  const what = 'whether apps can be hibernated on this device is not known: a trial came to no end';
  return [{ code: 'ENGINE_UNTRIED', blocks: false, what, why, next }];
};

/** Of an app with a display in its container in its queue, because for that moment nobody looks after the display. */
export function explain(world: World, instance: Instance): Promise<Explanation> {
  const look = (): Promise<Explanation> => lookAt(world, instance);
  return placementOf(instance.record.app) === 'host'
    ? look()
    : instance.queue.push(() => withoutUs(world, instance, look));
}

async function lookAt({ engine, surveys }: World, { record }: Instance): Promise<Explanation> {
  const proof = await engine.hibernates?.();
  const { containerId, live, app, hibernation } = record;
  const log = hibernation?.failureLog ?? null;
  const seen =
    live === null ? [] : await surveys.survey({ pids: engine.members(containerId), tcp: app.hibernation.tcp });
  const said = log === null ? [] : await surveys.readLog(log);
  const own = [
    ...(app.hibernation.enabled ? [] : [DISABLED]),
    ...(isAlive(record.state) ? [] : [ENDED]),
    ...ofEngine(proof),
  ];
  // what the last attempt stumbled over may be gone by now: it is told, but only what is seen now blocks
  const earlier = said.filter(({ code }) => !seen.some((finding) => finding.code === code));
  const findings = [...own, ...seen, ...earlier.map((finding) => ({ ...finding, blocks: false }))];
  return { possible: [...own, ...seen].some(({ blocks }) => blocks) ? 'no' : 'yes', findings, log };
}
