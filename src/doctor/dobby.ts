/**
 * The engines dobby and ocicontainer: whether Dobby answers, what can be had of it and what not. One small app is tried, hibernated
 * and woken: nothing else tells whether memcr can.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { insideDirectories } from '../adapters/inside/inside-directories.ts';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { EngineReport } from '../domain/api.ts';
import type { Finding } from '../domain/health.ts';
import type { ContainerId } from '../domain/ids.ts';
import { layout } from '../domain/layout.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { RootFilesystems } from '../ports/root-filesystems.ts';
import type { DobbyOptions } from '../start/dobby-engine.ts';
import { DOBBY_WAYS, type DobbyWay } from '../start/dobby-ways.ts';
import { tryInPlace } from '../start/in-place-trial.ts';
import { machineFacts } from '../start/machine.ts';
import { openPlace } from '../start/open-place.ts';
import { provingAnew } from '../start/proof.ts';
import { failed, ok, removeMade, scratchOf, warn, type Patient } from './place.ts';

/** A trial on a slow device takes some seconds. */
const ANSWER_MS = 30_000;
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** `running`: what a daemon that runs says of it, which may have been started with another bus than the configuration names. */
export async function examineDobby(
  name: DobbyWay,
  patient: Patient,
  running: EngineReport | undefined,
): Promise<readonly Finding[]> {
  const { answers, at, why, next, can, cannot, lacks } = running ?? (await ask(name, patient));
  const by = running === undefined ? 'asked by the doctor, as no daemon runs' : 'asked by the daemon';
  if (!answers) return [failed('engine', unreachable(name, { at, why, next }))];
  return [
    ok('engine', `${name} answers (${at ?? 'here'}; ${by})`),
    ok('engine', `it can ${can.join('; ')}`),
    ...lacks.map((lack) => warn('engine', lack)),
    ok('engine', `it cannot ${cannot.join('; ')}`),
  ];
}

/** As the daemon would with this configuration. */
async function ask(name: DobbyWay, patient: Patient): Promise<EngineReport> {
  const { config, env } = patient;
  const root = `${scratchOf(patient)}-dobby`;
  await using held = new AsyncDisposableStack();
  const made = await mkdir(`${root}/run`, { recursive: true, mode: 0o711 });
  held.defer(async () => {
    await rm(root, { recursive: true, force: true });
    await removeMade(root, made);
  });
  // where others may search on the way, as for a daemon's apps
  const open = await openPlace(layout(root));
  held.defer(open.close);
  const rootfs = rootFilesystems({ directory: `${open.directory}/rootfs`, bundles: config.bundles });
  const prove = process.getuid?.() === 0 ? proverFor(patient, { root, rootfs }) : {};
  const { engine, close } = await DOBBY_WAYS[name]({
    ...{ config, bus: undefined, env: { ...env }, openDirectory: open.directory, rootfs, log: SILENT, ...prove },
  });
  held.defer(close);
  return await engine.report(unhurried(ANSWER_MS));
}

type Means = { readonly root: string; readonly rootfs: RootFilesystems };

/** Nothing is remembered: each examination tries it. */
function proverFor({ config, searchPath, places }: Patient, { root, rootfs }: Means): Pick<DobbyOptions, 'prove'> {
  const { last: uid, rootOffset: rootIdOffset } = config.userIds;
  const machine = machineFacts(searchPath, { copy: `${places.state}/inside/.init`, hasApps: true });
  const insides = insideDirectories({ directory: `${root}/inside`, init: machine.init });
  const hibernate = tryInPlace({ rootfs, insides, runDirectory: root, uid, rootIdOffset, ...machine });
  const id = `doctor+${randomUUID()}` as ContainerId;
  return {
    prove: (keyNow, engineOf) =>
      provingAnew({
        ...{ keyNow, remembered: undefined, remember: () => Promise.resolve() },
        tryOut: (signal) => hibernate(engineOf(), { id, signal }),
      }),
  };
}

const NEXT: Readonly<Record<DobbyWay, string>> = {
  dobby: 'see docs/dobby.md: whether DobbyDaemon runs, the bus policy, and dobby.start',
  ocicontainer: 'see docs/dobby.md: whether Thunder runs, org.rdk.OCIContainer is active, and dobby.start',
};

const unreachable = (name: DobbyWay, { at, why, next }: Pick<EngineReport, 'at' | 'why' | 'next'>): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `the engine ${name} (${at ?? 'here'}) starts no app`,
    next: next ?? NEXT[name],
    cause: why ?? undefined,
  });
