/** The embedded engine: an OCI runtime makes the container, a monitor holds it, control groups and /proc tell the truth about it. */
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import type { Proof } from '../../domain/hibernation.ts';
import type { EngineReport } from '../../domain/results.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Engine, Live, StartOrder } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import { blameDisk } from '../files/full-disk.ts';
import { readOrdered, stopSignalOf, writeBundle } from './bundle.ts';
import { endExecs, exec } from './execs.ts';
import { checkpoint, finishCheckpoint, finishRestore, interruptRestore, pagesOf, restore } from './hibernation.ts';
import { keepMounts, mount, unmount } from './mounts.ts';
import { freeze, leftovers, thaw, type Parts } from './parts.ts';
import { remove } from './removal.ts';
import { ended, inspect } from './truth.ts';
import { Turnstile } from './turnstile.ts';

const PATIENCE_MS = 1000;
/** It is part of the daemon, which answers. */
const REPORT = { at: null, answers: true, why: null, next: null, cannot: [] } as const;
const CAN = [
  'start apps from root file systems, bundles, images, layers and packages',
  'suspend and resume them',
  'change limits, mount, and run programs while an app runs',
] as const;
const HIBERNATES = 'hibernate them to disk, by CRIU, also over a reboot';

const UNTRIED: Proof = { possible: null, why: 'it is being tried', next: 'ask again in a moment' };

async function reportOf(
  { runtime, clock }: Parts,
  hibernates: () => Promise<Proof>,
  timeoutMs: number,
): Promise<EngineReport> {
  const proof = await Promise.race([hibernates(), clock.sleep(timeoutMs).then(() => UNTRIED)]);
  return {
    ...{ engine: 'embedded', runtime: runtime.name, ...REPORT },
    can: proof.possible === true ? [...CAN, HIBERNATES] : CAN,
    lacks: proof.possible === true ? [] : [{ what: lackOf(proof.possible), why: proof.why, next: proof.next }],
  };
}

const lackOf = (possible: false | null): string =>
  possible === false ? 'no app can be hibernated' : 'whether apps can be hibernated is not known yet';

/** `hibernates`: as {@link Engine} has it; `close`: stops what it tries. */
type Prover = { readonly hibernates: () => Promise<Proof>; readonly close: () => Promise<void> };

export function embeddedEngine(parts: Parts, { hibernates, close }: Prover): Engine {
  const { runtime, monitor, groups, processes, clock } = parts;
  const turnstile = new Turnstile({ places: 2 * availableParallelism(), patienceMs: PATIENCE_MS, clock });
  return {
    name: 'embedded',
    runtimeName: runtime.name,
    format: () => Promise.resolve('oci'),
    report: ({ timeoutMs }) => reportOf(parts, hibernates, timeoutMs),
    hibernates,
    cgroupsPath: groups.pathOf,
    start: (order, wait) => turnstile.pass(() => start(parts, order, wait)),
    suspend: (id, wait) => suspend(parts, id, wait),
    resume: async (id, wait) => {
      await groups.thaw(id, wait).catch((error: unknown) => {
        throw new RuntimeError('RESUME_FAILED', {
          what: `${id} was not resumed`,
          next: 'try again, or kill it',
          cause: error,
        });
      });
    },
    terminate: async (id, { init }) => {
      processes.signal(init, await stopSignalOf(parts.bundleOf(id)));
      await thaw(parts, id);
    },
    kill: async (id, { init }) => {
      // the end of the first process ends its whole pid namespace (pid_namespaces(7))
      processes.signal(init, 'SIGKILL');
      await thaw(parts, id);
    },
    checkpoint: (order, wait) => checkpoint(parts, order, wait),
    restore: (order, wait) => restore(parts, order, wait),
    finishCheckpoint: (id, { from, ...rest }) =>
      finishCheckpoint(parts, { id, ...rest, wasFrozen: from === 'SUSPENDED' }),
    interruptRestore: (id, wait) => interruptRestore(parts, id, wait),
    finishRestore: (id, finish) => finishRestore(parts, id, finish),
    pagesOf: (id, pages) => pagesOf(parts, id, pages),
    exec: (id, order, wait) => exec(parts, id, { order, wait }),
    endExecs: (id) => endExecs(parts, id),
    configOf: (id) => readOrdered(parts.bundleOf(id)),
    members: groups.members,
    inspect: (id, known) => inspect(parts, id, known),
    ended: (id, live) => ended(parts, id, live),
    remove: (id, removal) => remove(parts, id, removal),
    isEnding: (live) => processes.isEnding(live.init),
    isMonitored: (live) => live.monitor !== null && processes.isAlive(live.monitor),
    mount: (id, order) => mount(parts, id, order),
    unmount: (id, order) => unmount(parts, id, order),
    keepMounts: (id, keeping) => keepMounts(parts, id, keeping),
    setLimits: groups.setLimits,
    refuseLimits: groups.refuseImpossible,
    readings: groups.readings,
    oomKills: groups.oomKills,
    leftovers: () => leftovers(parts),
    watch: monitor.watch,
    close: () => close().then(groups.close),
  };
}

async function start(parts: Parts, order: StartOrder, wait: Wait): Promise<Live> {
  return startOnce(parts, order, wait).catch((error: unknown) => {
    throw blameDisk(error, [parts.bundleOf(order.id), dirname(order.logFile)]);
  });
}

async function startOnce(parts: Parts, order: StartOrder, wait: Wait): Promise<Live> {
  const { id, config, limits, logFile, logMaxBytes, terminal, network, beforeStart } = order;
  const { runtime, monitor, groups, bundleOf } = parts;
  const bundle = bundleOf(id);
  await writeBundle(bundle, { config, hooks: parts.network.hooks(network, 'start') });
  const live = await monitor
    .create({ id, bundle, logFile, logMaxBytes, terminal, runtime }, wait)
    .catch((error: unknown) => {
      throw groups.blameLimit(error, limits);
    });
  await groups.enforce(id, limits);
  await beforeStart?.();
  await runtime.start(id, wait);
  return live;
}

async function suspend(parts: Parts, id: ContainerId, wait: Wait): Promise<void> {
  try {
    await freeze(parts, id, wait);
  } catch (error) {
    await thaw(parts, id);
    // overtaken, or it has ended: no fault of the freezer
    if (error instanceof RuntimeError && error.code === 'ABORTED') throw error;
    throw new RuntimeError('SUSPEND_FAILED', {
      what: `${id} was not suspended and runs on`,
      next: 'a process that waits in the kernel (state D in ps) cannot be frozen: try again when its disk or device answers',
      cause: error,
    });
  }
}
