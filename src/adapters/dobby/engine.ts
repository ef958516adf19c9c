/** Dobby as an engine: a daemon of the device that runs the containers; we ask it over D-Bus (docs/dobby.md). */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Engine, InPlace, Live } from '../../ports/engine.ts';
import { refuseForDobby } from './bundle.ts';
import { exec } from './execs.ts';
import { chooseFormat } from './format.ts';
import { inPlace, settle } from './hibernation.ts';
import { dobbyId } from './ids.ts';
import { handleOf, kill, resume, suspend, terminate } from './life.ts';
import { keepMounts, mount, unmount } from './mounts.ts';
import type { Parts } from './parts.ts';
import { removeContainer } from './removal.ts';
import { report } from './report.ts';
import { ORDERED, start } from './start.ts';
import { thunderCheck } from './thunder.ts';
import { ended, inspect } from './truth.ts';

export type DobbyEngine = Engine & { readonly inPlace: InPlace };

const ANNOTATE_MS = 5000;

export function dobbyEngine(parts: Parts): DobbyEngine {
  const { way, traits, calls, containers, figures, groups, processes } = parts;
  const format = chooseFormat(parts);
  return {
    ...{ name: traits.engine, runtimeName: traits.engine },
    format,
    report: (wait) => report(parts, format, wait),
    refuse: refuseForDobby,
    check: thunderCheck(parts.program),
    inPlace: inPlace(parts),
    hibernates: parts.hibernates,
    cgroupsPath: (id) => `/${dobbyId(id)}`,
    start: async (order, wait) => start(parts, await format(), { order, wait }),
    suspend: (id, wait) => suspend(parts, id, wait),
    resume: (id, wait) => resume(parts, id, wait),
    terminate: (id, live) => terminate(parts, id, live),
    kill: (id, live) => kill(parts, id, live),
    checkpoint: () => Promise.reject(noImages()),
    restore: () => Promise.reject(noImages()),
    finishCheckpoint: async (id, { live, signal, timeoutMs }) => {
      await settle(parts, id, { live, signal, timeoutMs });
      return false;
    },
    interruptRestore: async (id, wait) => {
      await settle(parts, id, { live: null, ...wait });
      return false;
    },
    finishRestore: () => Promise.resolve(null),
    pagesOf: () => 'in',
    exec: (id, order, wait) => exec(parts, id, { order, wait }),
    // whoever asked for them is gone, and Dobby does not know which they are: they end with the app
    endExecs: () => Promise.resolve(),
    configOf: async (id) => JSON.parse(await readFile(`${parts.bundleOf(id)}/${ORDERED}`, 'utf8')) as object,
    members: (id) => figures.pidsOf(id),
    inspect: (id, known) => inspect(parts, id, known),
    ended: (id, live) => ended(parts, id, live),
    remove: (id, removal) => removeContainer(parts, id, removal),
    isEnding: ({ init }) => processes.isEnding(init),
    isMonitored: ({ handle }) => handle !== undefined && way.life === handle.life,
    mount: (id, order) => mount(parts, id, order),
    unmount: (id, order) => unmount(parts, id, order),
    keepMounts: (id, keeping) => keepMounts(parts, id, keeping),
    // nothing to put in force again: nobody could have changed them
    setLimits: (_id, { before }) => (before === undefined ? Promise.resolve() : Promise.reject(noLimits())),
    // none of it sleeps without a process, so nobody asks
    refuseLimits: () => undefined,
    readings: (id) => groups.readings(dobbyId(id)) ?? figures.readingsOf(id, containers.handleOf(id)),
    oomKills: (id) => {
      const kills = groups.oomKills(dobbyId(id));
      if (kills > 0) containers.noteOom(id);
      return kills;
    },
    annotate: async (id: ContainerId, live: Live, [key, value]) => {
      const handle = handleOf(parts, id, live);
      const wait = unhurried(ANNOTATE_MS);
      if (value === null) await calls.removeAnnotation(handle, key, wait);
      else await calls.annotate(handle, [key, value], wait);
    },
    leftovers: () => parts.listBundles(),
    watch: (mayHaveEnded) => containers.watch(mayHaveEnded),
    close: () => Promise.resolve(),
  };
}

const noImages = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'Dobby keeps no images of apps: it hibernates them in place',
    next: 'use the engine embedded for images',
  });

const noLimits = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'Dobby does not change the limits of an app that runs',
    next: 'give other limits with the next run',
  });
