/** The engines dobby and ocicontainer: whether Dobby answers, and what cannot be had of it. No app is tried: it would be in the device's own Dobby. */
import { mkdir, rm } from 'node:fs/promises';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Finding } from '../domain/health.ts';
import { DOBBY_WAYS } from '../start/dobby-ways.ts';
import { failed, ok, scratchOf, type Patient } from './place.ts';

const ANSWER_MS = 5000;
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

type Name = keyof typeof DOBBY_WAYS;

export async function examineDobby(name: Name, patient: Patient): Promise<readonly Finding[]> {
  const { config, env } = patient;
  const root = `${scratchOf(patient)}-dobby`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  const rootfs = rootFilesystems({ directory: `${root}/rootfs` });
  const { engine, close } = await DOBBY_WAYS[name]({
    ...{ config, bus: undefined, env: { ...env }, openDirectory: root, rootfs, log: SILENT },
  });
  try {
    const { answers, why, cannot } = await engine.report({
      signal: new AbortController().signal,
      timeoutMs: ANSWER_MS,
    });
    if (!answers) return [failed('engine', unreachable(name, why))];
    return [ok('engine', `${name} answers; it cannot: ${cannot.join('; ')}`)];
  } finally {
    await close();
    await rm(root, { recursive: true, force: true });
  }
}

const NEXT: Readonly<Record<Name, string>> = {
  dobby: 'see docs/dobby.md: whether DobbyDaemon runs, the bus policy, and dobby.start',
  ocicontainer: 'see docs/dobby.md: whether Thunder runs, org.rdk.OCIContainer is active, and dobby.start',
};

const unreachable = (name: Name, why: string | null): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `the engine ${name} starts no app`,
    next: NEXT[name],
    cause: why ?? undefined,
  });
