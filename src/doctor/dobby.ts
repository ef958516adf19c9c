/** The engine dobby: whether it answers, and what cannot be had of it. No app is tried: it would be in the device's own Dobby. */
import { mkdir, rm } from 'node:fs/promises';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import { RuntimeError } from '../domain/errors.ts';
import { buildDobby } from '../start/dobby.ts';
import { failed, ok, scratchOf, type Check } from './place.ts';

const ANSWER_MS = 5000;
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export const examineDobby: Check = async (patient) => {
  const { config, env } = patient;
  const root = `${scratchOf(patient)}-dobby`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  const rootfs = rootFilesystems({ directory: `${root}/rootfs` });
  const { engine, close } = await buildDobby({
    ...{ config: config.dobby, bus: undefined, env: { ...env }, openDirectory: root, rootfs, log: SILENT },
  });
  try {
    const { answers, why, cannot } = await engine.report({
      signal: new AbortController().signal,
      timeoutMs: ANSWER_MS,
    });
    if (!answers) return [failed('engine', unreachable(why))];
    return [ok('engine', `dobby answers; it cannot: ${cannot.join('; ')}`)];
  } finally {
    await close();
    await rm(root, { recursive: true, force: true });
  }
};

const unreachable = (why: string | null): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'the engine dobby starts no app',
    next: 'see docs/dobby.md: whether DobbyDaemon runs, the bus policy, and dobby.start',
    cause: why ?? undefined,
  });
