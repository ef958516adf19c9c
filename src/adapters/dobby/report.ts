/** What this engine can do, for people. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Proof } from '../../domain/hibernation.ts';
import type { EngineReport, Lack } from '../../domain/results.ts';
import type { SpecFormat } from '../../domain/spec.ts';
import type { Wait } from '../../ports/wait.ts';
import { memcrLack, memcrLife, trialLack } from './memcr.ts';
import type { DobbySettings, Parts } from './parts.ts';
import type { DobbyProgram } from './program.ts';

const CANNOT = [
  'keep a hibernated app over a reboot, or over the end of Dobby or memcr',
  'change the limits of an app that runs',
  'hand input to a program run with exec, or tell its output and exit code',
  'publish a port of the app under another number',
  'keep apps alive when Dobby ends or is restarted',
];
const SPEC_CANNOT = ['run an app from another root file system than the device’s own (dobby.start: spec)'];

/** `List` and not `Ping`: that one is answered while the worker hangs (facts/dobby.md §0.4). */
export async function report(parts: Parts, format: () => Promise<SpecFormat>, wait: Wait): Promise<EngineReport> {
  const { traits, settings, calls, way } = parts;
  const { engine: name, cannot } = traits;
  const engine = { engine: name, runtime: name, at: way.at };
  const common = [...CANNOT, ...cannot];
  try {
    await calls.list(wait);
    const chosen = await format();
    const found = await parts.program().catch(() => undefined);
    const isThere = (await memcrLife(parts.memcrSocket)) !== undefined;
    const has = { isThere, proof: await proofSoon(parts, wait), program: found?.program, settings };
    return {
      ...{ ...engine, answers: true, why: null, next: null },
      ...abilities(chosen, has),
      cannot: [...common, ...(chosen === 'dobby' ? SPEC_CANNOT : [])],
    };
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    const why = { why: error.message, next: error.next ?? null };
    return { ...engine, answers: false, ...why, can: [], lacks: [], cannot: common };
  }
}

const UNTRIED: Proof = { possible: null, why: 'it is being tried', next: 'ask again in a moment' };

/** A trial takes longer on a slow device than somebody waits who asks. */
async function proofSoon({ hibernates, clock }: Parts, { timeoutMs }: Wait): Promise<Proof | undefined> {
  const told = new AbortController();
  const untried = clock.sleep(timeoutMs, told.signal).then(
    () => UNTRIED,
    () => UNTRIED,
  );
  try {
    return await Promise.race([hibernates(), untried]);
  } finally {
    told.abort();
  }
}

type Has = {
  /** memcr. */
  readonly isThere: boolean;
  /** Of a trial; undefined when none was made. */
  readonly proof: Proof | undefined;
  /** Undefined: it cannot be seen. */
  readonly program: DobbyProgram | undefined;
  readonly settings: Pick<DobbySettings, 'start' | 'liveMounts'>;
};

/** Pure: what it can, and what it could if somebody mended it. */
export function abilities(format: SpecFormat, has: Has): Pick<EngineReport, 'can' | 'lacks'> {
  const { program, settings } = has;
  const what = format === 'oci' ? 'OCI bundles' : 'Dobby specs';
  const sleepLack = memcrLack(has) ?? trialLack(has.proof);
  const lacks = [startLack(format, has), sleepLack, execLack(has)].filter((one) => one !== null);
  const mounts = settings.liveMounts || program?.mountsFreely === true;
  return {
    can: [
      `start apps from ${what} (dobby.start: ${settings.start})`,
      'suspend and resume them',
      ...(sleepLack === null ? ['hibernate them in place, by memcr'] : []),
      ...(execLack(has) === null ? ['run a program in an app that has DobbyInit'] : []),
      ...(mounts ? [`mount while an app runs${program?.mountsFreely === true ? ', also read-only' : ''}`] : []),
    ],
    lacks,
  };
}

function startLack(format: SpecFormat, { program }: Has): Lack | null {
  if (program === undefined || (format === 'oci' ? program.bundle : program.spec)) return null;
  const [set, other] = format === 'oci' ? ['bundle', 'spec'] : ['spec', 'bundle'];
  return {
    what: `no app can be started: dobby.start is ${set}, and this Dobby does not take that`,
    why: format === 'oci' ? 'it was built for production (DOBBY_PROD)' : 'it was built without LEGACY_COMPONENTS',
    next: `set dobby.start to ${other} or auto in config.yaml`,
  };
}

function execLack({ program }: Has): Lack | null {
  if (program?.withoutExec !== true) return null;
  return {
    what: 'no program can be run in an app (exec)',
    why: 'this Dobby was built for production (DOBBY_PROD)',
    next: 'use another build of Dobby where that is needed',
  };
}
