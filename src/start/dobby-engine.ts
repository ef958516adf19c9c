/** The engine that drives a running Dobby, whichever the way to it. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { controlGroups } from '../adapters/cgroup/control-groups.ts';
import { DOBBY_INIT } from '../adapters/dobby/bundle.ts';
import type { DobbyCalls } from '../adapters/dobby/calls.ts';
import { Containers } from '../adapters/dobby/containers.ts';
import { dobbyEngine, type DobbyEngine } from '../adapters/dobby/engine.ts';
import { Figures } from '../adapters/dobby/figures.ts';
import type { Groups } from '../adapters/dobby/parts.ts';
import { memcrLife, MEMCR_SOCKET } from '../adapters/dobby/memcr.ts';
import { programReader } from '../adapters/dobby/program.ts';
import { memcrSurveys } from '../adapters/dobby/surveys.ts';
import type { Traits, Way } from '../adapters/dobby/ways.ts';
import { listDirectory } from '../adapters/files/list-directory.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { linuxProcesses } from '../adapters/process/processes.ts';
import type { Config } from '../config.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { CheckpointSurveys } from '../ports/checkpoint-surveys.ts';
import type { Engine } from '../ports/engine.ts';
import type { Log } from '../ports/log.ts';
import type { RootFilesystems } from '../ports/root-filesystems.ts';
import type { OciConfig } from '../spec/oci-types.ts';
import { commandQuery } from '../spec/oci-config.ts';
import type { ChangingProver } from './proof.ts';

export type DobbyOptions = {
  readonly config: Config;
  /** Of the command line; wins. */
  readonly bus: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Anybody may enter it: Dobby's hooks read the bundles as the app's root, who is nobody out here. */
  readonly openDirectory: string;
  readonly rootfs: RootFilesystems;
  readonly log: Log;
  /** Tries a hibernation. Absent: none is tried, and none is promised. */
  readonly prove?: Prove;
  /** Where memcr listens; where Dobby looks for it when absent. */
  readonly memcrSocket?: string;
};

type Prove = (keyNow: () => Promise<string | undefined>, engine: () => DobbyEngine) => ChangingProver;
const UNTRIED: ChangingProver = { hibernates: () => Promise.resolve(undefined), close: () => Promise.resolve() };

export type DobbyParts = {
  readonly engine: Engine;
  readonly surveys: CheckpointSurveys;
  readonly close: () => Promise<void>;
};

export type OpenWay = {
  readonly traits: Traits;
  readonly way: Way;
  readonly calls: DobbyCalls;
  readonly close: () => Promise<void>;
};

/** Dobby and the way to it are waited for so long before the daemon goes on without them. */
const FIRST_LOOK_MS = 3000;
const THAW_MS = 2000;

/** `open` begins to listen: what it hears goes to the containers that it is given. */
export async function joinDobby(
  { config, openDirectory, rootfs, log, prove, memcrSocket = MEMCR_SOCKET }: DobbyOptions,
  open: (containers: Containers) => OpenWay,
): Promise<DobbyParts> {
  const bundles = `${openDirectory}/bundles`;
  await mkdir(bundles, { recursive: true, mode: 0o711 });
  const containers = new Containers();
  const { traits, way, calls, close } = open(containers);
  const program = programReader(way, log);
  const keyNow = async (): Promise<string | undefined> => {
    const memcr = await memcrLife(memcrSocket);
    const { pid, program: built } = await program();
    if (memcr === undefined || built?.withoutMemcr === true) return undefined;
    return [way.life ?? '', pid, memcr, config.dobby.start, config.dobby.hibernateOptions].join('|');
  };
  const prover = prove?.(keyNow, () => engine) ?? UNTRIED;
  const engine: DobbyEngine = dobbyEngine({
    ...{ memcrSocket, hibernates: prover.hibernates },
    ...{ way, traits, calls, containers, log, processes: linuxProcesses, clock: systemClock },
    ...{ figures: new Figures(calls), program },
    groups: groupsOfDobby(),
    settings: config.dobby,
    bundleOf: (id) => `${bundles}/${id}`,
    listBundles: async () => (await listDirectory(bundles)) as readonly ContainerId[],
    hasInit: (ordered) => {
      const query = { ...commandQuery(ordered as OciConfig), command: DOBBY_INIT };
      return rootfs.findCommand(query).then(
        () => true,
        () => false,
      );
    },
  });
  await way
    .serving({ signal: AbortSignal.timeout(FIRST_LOOK_MS), timeoutMs: FIRST_LOOK_MS })
    .catch((error: unknown) => {
      log.warn({ err: error }, 'going on without Dobby: no app can be started until it is there');
    });
  return {
    ...{ engine, surveys: memcrSurveys(program, memcrSocket) },
    close: async () => {
      await prover.close();
      await close();
    },
  };
}

/** Dobby's containers have a group at the top of each hierarchy, named as they are. */
function groupsOfDobby(): Groups {
  const groups = controlGroups({
    ...{ parent: '', prefix: '', clock: systemClock },
    mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
  });
  return {
    readings: (name) => groups.readings(name as ContainerId),
    oomKills: (name) => groups.oomKills(name as ContainerId),
    thaw: (name) => groups.thaw(name as ContainerId, { signal: AbortSignal.timeout(THAW_MS), timeoutMs: THAW_MS }),
  };
}
