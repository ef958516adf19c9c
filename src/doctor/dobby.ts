/**
 * The engines dobby and ocicontainer: whether Dobby answers, what can be had of it and what not. No app is tried: it would be in the
 * device's own Dobby.
 */
import { mkdir, rm } from 'node:fs/promises';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { EngineReport } from '../domain/api.ts';
import type { Finding } from '../domain/health.ts';
import { DOBBY_WAYS, type DobbyWay } from '../start/dobby-ways.ts';
import { failed, ok, removeMade, scratchOf, warn, type Patient } from './place.ts';

const ANSWER_MS = 5000;
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
  const made = await mkdir(root, { recursive: true, mode: 0o700 });
  const rootfs = rootFilesystems({ directory: `${root}/rootfs`, bundles: config.bundles });
  const { engine, close } = await DOBBY_WAYS[name]({
    ...{ config, bus: undefined, env: { ...env }, openDirectory: root, rootfs, log: SILENT },
  });
  try {
    return await engine.report({ signal: new AbortController().signal, timeoutMs: ANSWER_MS });
  } finally {
    await close();
    await rm(root, { recursive: true, force: true });
    await removeMade(root, made);
  }
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
