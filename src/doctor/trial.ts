/**
 * A daemon's whole inside, without its socket, with one small app: started within limits that are changed and read back, hibernated
 * and woken. It works below `state/doctor`, with control groups of its own; what an examination that was killed has left, the next
 * one's recovery clears, as it does after a daemon.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { mountsBelow } from '../adapters/files/mount-table.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { openJournal } from '../adapters/sqlite/journal.ts';
import { callOnce } from '../client/unix.ts';
import { configSchema } from '../config.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Finding } from '../domain/health.ts';
import { layout } from '../domain/layout.ts';
import { METHODS, type EngineReport } from '../domain/api.ts';
import { SET_UP } from '../domain/set-up.ts';
import type { Manager } from '../manager/runtime-manager.ts';
import { build } from '../start/build.ts';
import { isDobbyWay } from '../start/dobby-ways.ts';
import { openPlace } from '../start/open-place.ts';
import { failed, fail, ok, removeMade, scratchOf, warn, type Check, type Patient } from './place.ts';

const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  return undefined;
}

const ID = 'doctor';
const ONE = { appInstanceId: ID };
const CALL = { signal: new AbortController().signal, by: 'the doctor' };
const MIB = 2 ** 20;
/** The daemon itself gives its engine 5 s. */
const ANSWER_MS = 12_000;
const LIMITS = { memoryBytes: 64 * MIB, cpus: 0.5, pids: 100 };
const RAISED = { memoryBytes: 96 * MIB, cpus: 1, pids: 200 };

export const examineByTrial: Check = async (patient) => {
  const running = await engineOf(patient);
  const engine = running?.engine ?? patient.config.engine;
  if (isDobbyWay(engine)) return (await import('./dobby.ts')).examineDobby(engine, patient, running);
  if (process.getuid?.() !== 0) return [NOT_ROOT];
  const root = scratchOf(patient);
  let made: string | undefined;
  try {
    made = await mkdir(`${root}/run`, { recursive: true, mode: 0o711 });
    const findings = await withManager(patient, root, tryAll);
    await removeScratch(root, made);
    return findings;
  } catch (error) {
    // the directory is the other one's
    if (RuntimeError.of(error).code === 'ALREADY_RUNNING') return [AT_WORK];
    await removeScratch(root, made);
    return [failed('engine', error)];
  }
};

/** Of the daemon that runs; undefined when none answers, or one that is older than the method. */
const engineOf = ({ root }: Patient): Promise<EngineReport | undefined> =>
  callOnce({ root }, ['getEngine', {}], { timeoutMs: ANSWER_MS }).catch(() => undefined);

const NOT_ROOT: Finding = warn('engine', {
  what: 'no app was tried',
  why: 'that takes root',
  next: 'run runtimectl doctor as root (sudo)',
});

const AT_WORK: Finding = warn('engine', {
  what: 'no app was tried',
  why: 'another examination of this daemon is at work',
  next: 'wait a moment, and run runtimectl doctor again',
});

/** The last id may be that of an examination's app that is ending, or of another examination. */
const SPARE_IDS = 3;

type Work = (manager: Manager, engine: string) => Promise<readonly Finding[]>;

async function withManager(patient: Patient, root: string, work: Work): Promise<readonly Finding[]> {
  const { config, env, searchPath } = patient;
  const places = layout(root);
  for (const path of [places.state, places.logs, places.apps]) await mkdir(path, { recursive: true, mode: 0o700 });
  const { first, last, rootOffset } = config.userIds;
  const own = configSchema.parse({
    ...{ runtime: config.runtime, displays: { provider: 'none' } },
    userIds: { first: Math.max(first, last - SPARE_IDS), last, rootOffset },
    hibernation: { ...config.hibernation, compressAfterMs: 0 },
  });
  const journal = await openJournal({
    ...{ file: places.database, clock: systemClock, fatal: nothing },
    ...{ maxEvents: own.maxEvents, maxEventBytes: own.maxEventBytes, maxEventAgeMs: own.maxEventAgeMs },
  });
  await using held = new AsyncDisposableStack();
  held.defer(() => journal.close());
  const site = { webAddress: () => null, places, config: own, log: SILENT, journal, searchPath, platform: null, root };
  const { world, manager, close } = await build({ ...site, env: { ...env }, dobbyBus: undefined });
  held.defer(close);
  held.use(manager);
  try {
    // one that was killed has left its app
    await manager.kill(ONE, CALL).catch(nothing);
    return await work(manager, `${world.engine.name} (${world.engine.runtimeName})`);
  } finally {
    await manager.kill(ONE, CALL).catch(nothing);
  }
}

async function tryAll(manager: Manager, engine: string): Promise<readonly Finding[]> {
  const app = { rootfs: { host: true }, args: ['/bin/sleep', '1000'], limits: LIMITS };
  await manager.run(METHODS.run.params.parse({ appId: ID, ...ONE, app }), CALL);
  return [
    ok('engine', `${engine}: an app was started in a container`),
    await tryLimits(manager),
    await trySuspend(manager),
    await tryHibernation(manager),
  ];
}

/** `run` and `setLimits` read back what they have written; `getInfo` reads once more. */
async function tryLimits(manager: Manager): Promise<Finding> {
  try {
    await manager.setLimits({ ...ONE, ...RAISED }, CALL);
    const limit = (await manager.getInfo(ONE)).memory?.limitBytes ?? null;
    if (limit === RAISED.memoryBytes) {
      return ok('limits', 'limits of memory, processor and processes, written and read back');
    }
    throw new RuntimeError('LIMIT_FAILED', {
      what: `the memory limit is ${limit ?? 'none'} and not ${RAISED.memoryBytes}`,
    });
  } catch (error) {
    return failed(
      'limits',
      error,
      'see that /sys/fs/cgroup is mounted writable, with the controllers memory, cpu and pids',
    );
  }
}

async function trySuspend(manager: Manager): Promise<Finding> {
  try {
    await manager.suspend(ONE, CALL);
    await manager.resume(ONE, CALL);
    return ok('suspend', 'it was suspended and resumed');
  } catch (error) {
    return failed('suspend', error, 'see that the freezer of the control groups works');
  }
}

async function tryHibernation(manager: Manager): Promise<Finding> {
  try {
    await manager.hibernate(ONE, CALL);
    await manager.wake({ ...ONE, target: 'RUNNING' }, CALL);
    const { state, pid, hibernation } = await manager.getInfo(ONE);
    if (state === 'RUNNING' && pid !== null) {
      const [dumped, woken] = [hibernation.dump?.ms ?? 0, hibernation.wake?.ms ?? 0];
      return ok(
        'hibernation',
        `a real dump and restore: hibernated in ${Math.round(dumped)} ms, woken in ${Math.round(woken)} ms`,
      );
    }
    return fail('hibernation', { what: `after its wake the app is ${state}`, ...HIBERNATION });
  } catch (error) {
    const { what, why, next } = failed('hibernation', error, HIBERNATION.next);
    return fail('hibernation', { what, why: why ?? HIBERNATION.why, next: next ?? HIBERNATION.next });
  }
}

const HIBERNATION = {
  why: 'CRIU does not work on this kernel',
  next: `install CRIU 4.2 or newer (${SET_UP}), and see that CONFIG_CHECKPOINT_RESTORE is in the kernel`,
};

/** Never through a mount: with one in it, it stays, and the next examination clears it. `made`: the first directory of its path that was not there. */
async function removeScratch(root: string, made = root): Promise<void> {
  if (mountsBelow(root, await readFile('/proc/self/mountinfo', 'utf8')).length > 0) return;
  // a start that failed leaves its open place
  const open = await openPlace(layout(root));
  await open.close();
  await rm(root, { recursive: true, force: true }).catch(nothing);
  await removeMade(root, made);
}
