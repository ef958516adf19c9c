/** Builds the engine that drives a running Dobby. A bundle chunk of its own: the embedded engine pays nothing for it. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { controlGroups } from '../adapters/cgroup/control-groups.ts';
import { connectBus } from '../adapters/dobby/bus.ts';
import { DOBBY_INIT } from '../adapters/dobby/bundle.ts';
import { dobbyCalls } from '../adapters/dobby/calls.ts';
import { Containers } from '../adapters/dobby/containers.ts';
import { dobbyEngine } from '../adapters/dobby/engine.ts';
import { Figures } from '../adapters/dobby/figures.ts';
import { Link } from '../adapters/dobby/link.ts';
import type { Groups } from '../adapters/dobby/parts.ts';
import { memcrSurveys } from '../adapters/dobby/surveys.ts';
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

export type DobbyOptions = {
  readonly config: Config['dobby'];
  /** Of the command line; wins. */
  readonly bus: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Anybody may enter it: Dobby's hooks read the bundles as the app's root, who is nobody out here. */
  readonly openDirectory: string;
  readonly rootfs: RootFilesystems;
  readonly log: Log;
};

export type DobbyParts = {
  readonly engine: Engine;
  readonly surveys: CheckpointSurveys;
  readonly close: () => Promise<void>;
};

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
const CONNECT_MS = 5000;
/** Dobby and the bus are waited for so long before the daemon goes on without them. */
const FIRST_LOOK_MS = 3000;
const READY_MS = 5000;
const THAW_MS = 2000;

export async function buildDobby({ config, bus, env, openDirectory, rootfs, log }: DobbyOptions): Promise<DobbyParts> {
  const address = bus ?? config.bus ?? (env['DBUS_SYSTEM_BUS_ADDRESS'] || SYSTEM_BUS);
  const bundles = `${openDirectory}/bundles`;
  await mkdir(bundles, { recursive: true, mode: 0o711 });
  const containers = new Containers();
  const { service, object, callTimeoutMs, settleMs } = config;
  const connect = () => connectBus(address, CONNECT_MS);
  const link = new Link(
    {
      ...{ connect, address, service, object, callTimeoutMs, settleMs, log, ageOf },
      readyMs: READY_MS,
      clock: systemClock,
    },
    {
      heard: (signal) => {
        containers.hear(signal);
      },
      lost: (life) => {
        log.warn({ life }, 'Dobby has ended, and all of its containers with it');
        containers.lose(life);
      },
      serves: (life) => {
        log.info({ life }, 'Dobby serves');
        containers.tellAll();
      },
    },
  );
  const calls = dobbyCalls(link);
  const engine = dobbyEngine({
    ...{ link, calls, containers, log, processes: linuxProcesses, clock: systemClock },
    figures: new Figures(calls),
    groups: groupsOfDobby(),
    settings: config,
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
  await link
    .serving({ signal: AbortSignal.timeout(FIRST_LOOK_MS), timeoutMs: FIRST_LOOK_MS })
    .catch((error: unknown) => {
      log.warn({ err: error }, 'going on without Dobby: no app can be started until it is there');
    });
  return { engine, surveys: memcrSurveys(), close: () => link.close() };
}

/** Clock ticks a second, of the times in /proc (proc(5)): 100 on every architecture that Linux shows to programs. */
const TICKS = 100;

/** The kernel's clock since boot and a process's start are on the same scale. */
function ageOf(pid: number): number | undefined {
  const found = linuxProcesses.identify(pid);
  if (found === undefined) return undefined;
  const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Math.max(0, (upSeconds - Number(found.startTime) / TICKS) * 1000);
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
