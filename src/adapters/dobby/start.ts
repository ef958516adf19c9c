/** Starting a container with Dobby, and finding out what it is then. */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { SpecFormat } from '../../domain/spec.ts';
import type { EngineHandle, Live, StartOrder } from '../../ports/engine.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { rootGroup } from '../../domain/root-group.ts';
import { unhurried } from '../../domain/unhurried.ts';
import { boundFiles } from './bound-files.ts';
import { dobbyBundle, dobbySpecFor } from './bundle.ts';
import type { DobbyInfo, Started, Target } from './calls.ts';
import { dobbyId } from './ids.ts';
import type { Parts } from './parts.ts';

/** The container as it was ordered; what Dobby is told lies beside it, and Dobby rewrites that. */
export const ORDERED = 'ordered.json';
const STOP_MS = 30_000;

export const NOBODY: ProcessId = { pid: 0, startTime: '0' };

type Starting = { readonly order: StartOrder; readonly wait: Wait };

export async function start(parts: Parts, format: SpecFormat, { order, wait }: Starting): Promise<Live> {
  const { calls, containers } = parts;
  const id = dobbyId(order.id);
  const { life, descriptors } = await calls.list(wait);
  if (descriptors.has(id)) throw foreign(id);
  containers.expect(order.id);
  const told = await write(parts, format, order);
  // Dobby makes and starts in one
  await order.beforeStart?.();
  const late = (one: Started): void => stopLate(parts, order.id, { ...one, life });
  const started =
    format === 'oci'
      ? await calls.startFromBundle({ life, id, bundle: told }, wait, late)
      : await calls.startFromSpec({ life, id, spec: told, display: order.displaySocket ?? '' }, wait, late);
  if (started.descriptor === null) throw refused(order.id, started.why);
  const handle = { life, descriptor: started.descriptor };
  containers.hold(order.id, handle);
  return liveOf(parts, order.id, { handle, wait });
}

/** The bundle's directory, or the spec's text. From here on the container is known as ours, also after a crash of this daemon. */
async function write(parts: Parts, format: SpecFormat, order: StartOrder): Promise<string> {
  const { id, config, logFile, logMaxBytes, wishes } = order;
  const directory = parts.bundleOf(id);
  // hooks of Dobby's plugins read it as the container's root, and without them nothing starts
  const group = rootGroup(config);
  await mkdir(directory, { recursive: true, mode: 0o710 });
  await chown(directory, 0, group);
  await writeFile(`${directory}/${ORDERED}`, JSON.stringify(config), { mode: 0o600 });
  if (format === 'dobby') return JSON.stringify(dobbySpecFor(config, { logFile, logMaxBytes }));
  const hasInit = await parts.hasInit(config);
  const { liveMounts } = parts.settings;
  const files = await boundFiles(config);
  const told = dobbyBundle(config, { id: dobbyId(id), hasInit, logFile, logMaxBytes, wishes, liveMounts, files });
  await writeFile(`${directory}/config.json`, JSON.stringify(told), { mode: 0o640 });
  await chown(`${directory}/config.json`, 0, group);
  return directory;
}

/** Who gave up has told its caller so: it must not run. */
function stopLate(
  { calls, containers, log }: Parts,
  id: ContainerId,
  { life, descriptor }: Started & { readonly life: string },
): void {
  const stopped =
    descriptor === null
      ? Promise.resolve(true)
      : calls.stop(targetOf(id, { life, descriptor }), true, unhurried(STOP_MS));
  const tell = (): void => {
    containers.tell(id);
  };
  stopped.then(tell, (error: unknown) => {
    log.warn({ err: error }, 'a container that Dobby started too late could not be stopped yet; it is tried again');
  });
}

/** A container by both of its names. */
export const targetOf = (id: ContainerId, handle: EngineHandle): Target => ({ ...handle, name: dobbyId(id) });

export type Looking = { readonly handle: EngineHandle; readonly wait: Wait };

/** Its first process as Dobby knows it; nobody, when it has ended already. */
export async function liveOf(parts: Parts, id: ContainerId, { handle, wait }: Looking): Promise<Live> {
  const info = await parts.calls.info(targetOf(id, handle), wait);
  if (info !== undefined) parts.figures.note(id, info);
  const pid = initIn(info);
  return { init: (pid === undefined ? undefined : parts.processes.identify(pid)) ?? NOBODY, monitor: null, handle };
}

/** The one with the inner pid 1; Dobby's list has no order. */
export const initIn = (info: DobbyInfo | undefined): number | undefined =>
  info?.processes?.find(({ nsPid }) => nsPid === 1)?.pid ?? info?.pids?.[0];

const refused = (id: ContainerId, cause: string | undefined): RuntimeError =>
  new RuntimeError('START_FAILED', {
    what: `Dobby did not start ${id}`,
    next: "Dobby does not tell why: look at DobbyDaemon's log (and at crun's words in the app's own log)",
    cause,
  });

const foreign = (id: string): RuntimeError =>
  new RuntimeError('START_FAILED', {
    what: `Dobby has a container ${id} already, which is not ours`,
    next: 'use another instance id, or end that container with whoever started it (DobbyTool list)',
    details: { containerId: id },
  });
