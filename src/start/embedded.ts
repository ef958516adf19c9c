/** Builds the embedded engine from the tools of this machine. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import * as z from 'zod';
import { chooseRuntime, type Candidate } from '../adapters/embedded/choose-runtime.ts';
import { controlGroups } from '../adapters/cgroup/control-groups.ts';
import { conmon } from '../adapters/conmon/conmon.ts';
import { conmonExec } from '../adapters/conmon/exec.ts';
import { criuConfig } from '../adapters/criu/checkpoint-config.ts';
import { criuFigures } from '../adapters/criu/checkpoint-figures.ts';
import { lazyPages, lazyPagesState } from '../adapters/criu/lazy-pages.ts';
import { lazyPermission } from '../adapters/criu/lazy-permission.ts';
import type { Criu, Parts } from '../adapters/embedded/parts.ts';
import { wiring } from '../adapters/network/wiring.ts';
import { doors } from '../adapters/mounts/doors.ts';
import { liveMounts } from '../adapters/mounts/live-mounts.ts';
import { embeddedEngine } from '../adapters/embedded/engine.ts';
import { keepingNodes } from '../adapters/embedded/kept-nodes.ts';
import { withoutRuntime } from '../adapters/embedded/without-runtime.ts';
import { listDirectory } from '../adapters/files/list-directory.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { findTool, fingerprint } from '../adapters/process/find-tool.ts';
import { linuxProcesses } from '../adapters/process/processes.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { ociRuntime } from '../adapters/runc/runc.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import { SET_UP } from '../domain/set-up.ts';
import type { Engine } from '../ports/engine.ts';
import { groupsOf, type AppPlace } from './app-place.ts';
import { blamingMachine, startFault, type MachineFaults } from './machine-faults.ts';
import type { Prover } from './proof.ts';

export type EmbeddedOptions = {
  readonly wanted: 'auto' | 'runc' | 'crun';
  readonly runDirectory: string;
  /** A directory that anybody may reach. */
  readonly openDirectory: string;
  readonly appPlace: AppPlace;
  /** PATH for finding tools, and for the tools themselves (runc looks for criu there). */
  readonly searchPath: string;
  /** Apps of the journal may still run: the daemon must be able to end them, whatever the runtime does. */
  readonly hasApps: boolean;
  readonly faults: MachineFaults;
  /** What an earlier start found out. */
  readonly remembered: string | undefined;
  /** Starts and ends a container with this engine. */
  readonly tryOut: (engine: Engine, id: ContainerId) => Promise<void>;
  /** As {@link Engine} has `hibernates`. `key`: changes with the tools and the kernel. */
  readonly prove: (key: string, engine: () => Engine) => Prover;
};

/** `key`: changes when a tool or the kernel does, and then everything is found out anew. */
const findingSchema = z.object({
  key: z.string(),
  runtime: z.string(),
  runtimeVersion: z.string(),
  criuVersion: z.string(),
});
type Finding = z.infer<typeof findingSchema>;

export type Embedded = {
  readonly engine: Engine;
  /** Remember it for the next start. */
  readonly finding: string;
  /** `runc 1.3.6`, `4.2.1`; empty without CRIU: then nothing can be hibernated. */
  readonly runtimeVersion: string;
  readonly criuVersion: string;
  /** Why no app can be started. */
  readonly fault?: RuntimeError;
};

/** crun is faster, but cannot hibernate (decision 0123). */
const RUNTIMES = ['runc', 'crun'] as const;

/** Throws ENGINE_UNAVAILABLE. */
export async function buildEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { wanted, runDirectory, searchPath } = options;
  const places = {
    bundles: `${runDirectory}/bundles`,
    exits: `${runDirectory}/exits`,
    persist: `${runDirectory}/persist`,
    runtime: `${runDirectory}/runtime`,
  };
  await Promise.all(Object.values(places).map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
  const found = (wanted === 'auto' ? RUNTIMES : [wanted]).flatMap((name) => {
    const binary = findTool(name, searchPath);
    return binary === undefined ? [] : [{ name, binary }];
  });
  const monitorBinary = findTool('conmon', searchPath);
  if (monitorBinary === undefined || found.length === 0) {
    const fault = missing(monitorBinary === undefined ? 'conmon' : wanted, searchPath);
    const [{ name, binary } = { name: 'runc', binary: 'runc' } as const] = found;
    const tools = { name, binary, monitorBinary: monitorBinary ?? 'conmon', places, key: 'none' };
    return degraded(options, build(options, tools), fault);
  }
  const criu = findTool('criu', searchPath);
  const binaries = [...found.map(({ binary }) => binary), monitorBinary, ...(criu === undefined ? [] : [criu])];
  const key = [wanted, release(), ...binaries.map(fingerprint)].join('|');
  const candidates = found.map(({ name, binary }): Candidate<Engine> => ({
    name,
    make: () => build(options, { name, binary, monitorBinary, places, key }),
  }));
  const old = readFinding(options.remembered);
  const known = old?.key === key ? candidates.find(({ name }) => old.runtime === name) : undefined;
  if (old !== undefined && known !== undefined) return { engine: known.make(), finding: JSON.stringify(old), ...old };
  const chosen = await choose(options, candidates);
  if (chosen instanceof RuntimeError) {
    const last = candidates.find((one) => one.name === old?.runtime) ?? candidates[0];
    if (last === undefined) throw chosen;
    return degraded(options, last.make(), chosen);
  }
  const { name, choice } = chosen;
  const runtimeBinary = found.find((one) => one.name === name)?.binary ?? name;
  const versions = {
    runtimeVersion: `${name} ${await versionOf(runtimeBinary, searchPath)}`,
    criuVersion: criu === undefined ? '' : await versionOf(criu, searchPath),
  };
  const finding: Finding = { key, runtime: name, ...versions };
  return { engine: choice, finding: JSON.stringify(finding), ...versions };
}

async function choose({ faults, tryOut }: EmbeddedOptions, candidates: readonly Candidate<Engine>[]) {
  // the runtimes would fail for it, each in words of its own
  const fault = startFault(faults);
  if (fault !== undefined) return fault;
  return chooseRuntime({
    candidates,
    tryOut: (engine) => tryOut(engine, `trial+${randomUUID()}` as ContainerId),
  }).catch((error: unknown) => RuntimeError.of(error));
}

/** Throws the fault where no app could be left running: then it is better known at once. */
async function degraded(
  { hasApps, remembered }: EmbeddedOptions,
  engine: Engine,
  fault: RuntimeError,
): Promise<Embedded> {
  if (!hasApps) {
    // the groups of what was tried
    await engine.close();
    throw fault;
  }
  // the same finding: the next start tries anew
  const finding = remembered ?? '';
  return { engine: withoutRuntime(engine, fault), finding, runtimeVersion: '', criuVersion: '', fault };
}

function readFinding(text: string | undefined): Finding | undefined {
  try {
    return findingSchema.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    return undefined;
  }
}

const VERSION_MS = 10_000;

/** The first thing that looks like a version in what `--version` prints. */
async function versionOf(binary: string, searchPath: string): Promise<string> {
  const wait = { signal: AbortSignal.timeout(VERSION_MS), timeoutMs: VERSION_MS };
  const { stdout } = await toolRunner({ PATH: searchPath })([binary, '--version'], wait);
  return /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
}

type Places = { readonly bundles: string; readonly exits: string; readonly persist: string; readonly runtime: string };
type Tools = {
  readonly name: 'runc' | 'crun';
  readonly binary: string;
  readonly monitorBinary: string;
  readonly places: Places;
  readonly key: string;
};

function build(
  { searchPath, appPlace, openDirectory, prove, faults }: EmbeddedOptions,
  { name, binary, monitorBinary, places, key }: Tools,
): Engine {
  // conmon stamps each line of an app by the clock of its zone
  const env = { PATH: searchPath, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  const runTool = toolRunner(env);
  const monitor = conmon(linuxProcesses, {
    ...{ binary: monitorBinary, exitDir: places.exits, persistDir: places.persist, env, place: appPlace },
    // runc leaves devices to whom they belong, and opens the container's own /dev/null in place of this one
    // (libcontainer/init_linux.go, fixStdioPermissions; libcontainer/utils_linux.go, reOpenDevNull)
    takesInput: name !== 'runc',
  });
  const parts: Parts = {
    runtime: ociRuntime(runTool, { name, binary, stateRoot: places.runtime }),
    monitor: keepingNodes(monitor, name),
    startExec: conmonExec(linuxProcesses, { binary: monitorBinary, env, enter: appPlace.enter }),
    groups: controlGroups({
      ...groupsOf(appPlace),
      prefix: 'app-',
      clock: systemClock,
      mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    }),
    processes: linuxProcesses,
    clock: systemClock,
    criu: criuParts(searchPath, env, appPlace.enter),
    // crun runs no hooks when it restores
    network: wiring(runTool, { searchPath, hooksAtRestore: name === 'runc' }),
    doors: doors(runTool, `${openDirectory}/doors`),
    liveMounts: liveMounts(runTool, { perl: findTool('perl', searchPath), architecture: process.arch }),
    bundleOf: (id) => `${places.bundles}/${id}`,
    listBundles: async () => (await listDirectory(places.bundles)) as readonly ContainerId[],
    listState: (id) => listDirectory(`${places.runtime}/${id}`),
  };
  const prover = prove(`${name}|${key}`, () => engine);
  const engine: Engine = blamingMachine(embeddedEngine(parts, prover), faults);
  return engine;
}

function criuParts(searchPath: string, env: Readonly<Record<string, string>>, enter: AppPlace['enter']): Criu {
  const binary = findTool('criu', searchPath) ?? 'criu';
  return {
    configure: (bundle, tcp, mounts) => writeFile(`${bundle}/criu.conf`, criuConfig(tcp, mounts), { mode: 0o600 }),
    figures: criuFigures,
    // a dump that never began has no log
    keepLog: (from, to) => copyFile(from, to).catch(() => undefined),
    lazyPages: lazyPages({ binary, env, processes: linuxProcesses, clock: systemClock, enter }),
    lazyPagesState,
    lazyPermission: lazyPermission(searchPath, enter),
  };
}

const missing = (what: string, searchPath: string): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `${what === 'auto' ? 'neither runc nor crun' : what} is not there`,
    next: `install it from Debian (${SET_UP}), or name its directory as \`tools\` in the configuration`,
    details: { searchPath },
  });
