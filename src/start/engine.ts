/** The engine that the configuration names, and what goes with it. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { GHOST_LIMIT_BYTES } from '../adapters/criu/checkpoint-config.ts';
import { criuSurveys } from '../adapters/criu/survey.ts';
import type { LogFormat } from '../adapters/logs/log-files.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { CheckpointSurveys } from '../ports/checkpoint-surveys.ts';
import type { Engine } from '../ports/engine.ts';
import type { Insides } from '../ports/insides.ts';
import type { Remembered } from '../ports/journal.ts';
import type { RootFilesystems } from '../ports/root-filesystems.ts';
import type { AppPlace } from './app-place.ts';
import { DOBBY_WAYS } from './dobby-ways.ts';
import { buildEmbedded } from './embedded.ts';
import type { MachineFacts } from './machine.ts';
import { blamingMachine, type MachineFaults } from './machine-faults.ts';
import type { OpenPlace } from './open-place.ts';
import type { Site } from './site.ts';
import { tryHibernation } from './hibernation-trial.ts';
import { tryInPlace } from './in-place-trial.ts';
import { proving, provingAnew } from './proof.ts';
import { tryOut, type TrialOptions } from './trial.ts';

export type BuiltEngine = {
  readonly engine: Engine;
  readonly surveys: CheckpointSurveys;
  /** As {@link Embedded} has them. */
  readonly runtimeVersion: string;
  readonly criuVersion: string;
  /** Who wrote the apps' logs. */
  readonly logFormat: LogFormat;
  /** Whether it joins apps to the network itself. */
  readonly makesNetworks: boolean;
  readonly close: () => Promise<void>;
  /** Why no app can be started. */
  readonly fault?: RuntimeError;
};

type Means = {
  readonly open: OpenPlace;
  readonly appPlace: AppPlace;
  readonly insides: Insides;
  readonly rootfs: RootFilesystems;
  readonly ids: { readonly uid: number; readonly rootIdOffset: number };
  readonly machine: MachineFacts;
  readonly faults: MachineFaults;
  readonly remembered: Remembered;
  readonly remember: (facts: Readonly<Record<string, string>>) => Promise<unknown>;
};

/** What the embedded engine found out about its tools, and whose the apps of the journal are. */
const FINDING_FACT = 'engine';
const NAME_FACT = 'engineName';
/** Whether it was seen to hibernate an app. */
const PROOF_FACT = 'hibernation';

/** Throws ENGINE_UNAVAILABLE. */
export async function buildEngine(site: Site, means: Means): Promise<BuiltEngine> {
  const { engine: name } = site.config;
  const { remembered, remember } = means;
  refuseOthersApps(name, remembered);
  if (remembered.facts[NAME_FACT] !== name) await remember({ [NAME_FACT]: name });
  return name === 'embedded' ? embedded(site, means) : throughDobby(name, site, means);
}

/** One engine cannot find, end or give back what another one runs. Journals of before there were two are the embedded one's. */
function refuseOthersApps(name: string, { facts, instances }: Remembered): void {
  const last = facts[NAME_FACT] ?? 'embedded';
  const left = instances.filter(({ released }) => !released);
  if (last === name || left.length === 0) return;
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `${left.length} apps of the engine ${last} are still there, and the engine ${name} can do nothing with them`,
    next: `start with --engine ${last} and end them (--stop-apps does it at the end of the daemon), then change the engine`,
    details: { instances: left.map(({ appInstanceId }) => appInstanceId) },
  });
}

async function embedded({ config, places, searchPath, log }: Site, means: Means): Promise<BuiltEngine> {
  const { open, appPlace, machine, faults, remembered, remember } = means;
  const runTool = toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' });
  const surveys = criuSurveys(runTool, { ghostLimitBytes: GHOST_LIMIT_BYTES, skipsInFlight: true });
  const trial = trialOf(places, means);
  const hibernate = tryHibernation({ ...trial, surveys, searchPath });
  const { finding, fault, ...built } = await buildEmbedded({
    wanted: config.runtime,
    runDirectory: places.run,
    openDirectory: open.directory,
    appPlace,
    searchPath,
    remembered: remembered.facts[FINDING_FACT],
    hasApps: remembered.instances.some(({ released }) => !released),
    faults,
    tryOut: tryOut(trial),
    prove: (key, engine) =>
      proving({
        key: `${machine.bootId}|${key}`,
        remembered: remembered.facts[PROOF_FACT],
        remember: (text) => remember({ [PROOF_FACT]: text }),
        tryOut: (signal) => hibernate(engine(), { id: trialId(), signal }),
      }),
  });
  if (fault !== undefined) {
    log.error({ err: fault }, 'no app can be started until this is put right and the daemon restarted');
  } else if (remembered.facts[FINDING_FACT] !== finding) await remember({ [FINDING_FACT]: finding });
  return {
    ...{ ...built, surveys },
    ...(fault !== undefined && { fault }),
    logFormat: 'k8s',
    makesNetworks: false,
    close: () => Promise.resolve(),
  };
}

const trialOf = ({ run }: Site['places'], { rootfs, insides, ids, machine }: Means): TrialOptions & MachineFacts => ({
  ...{ rootfs, insides, runDirectory: run },
  ...ids,
  ...machine,
});

const trialId = (): ContainerId => `trial+${randomUUID()}` as ContainerId;

async function throughDobby(
  name: keyof typeof DOBBY_WAYS,
  { config, places, env, log, dobbyBus }: Site,
  means: Means,
): Promise<BuiltEngine> {
  const { open, rootfs, faults, machine, remembered, remember } = means;
  await mkdir(places.run, { recursive: true, mode: 0o711 });
  const hibernate = tryInPlace(trialOf(places, means));
  const built = await DOBBY_WAYS[name]({
    ...{ config, bus: dobbyBus, env, openDirectory: open.directory, rootfs, log },
    prove: (keyNow, engineOf) =>
      provingAnew({
        keyNow: async () => {
          const key = await keyNow();
          return key === undefined ? undefined : `${machine.bootId}|${name}|${key}`;
        },
        remembered: remembered.facts[PROOF_FACT],
        remember: (text) => remember({ [PROOF_FACT]: text }),
        tryOut: (signal) => hibernate(engineOf(), { id: trialId(), signal }),
      }),
  });
  const engine = blamingMachine(built.engine, faults);
  return { ...built, engine, runtimeVersion: 'dobby', criuVersion: '', logFormat: 'plain', makesNetworks: true };
}
