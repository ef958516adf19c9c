/** Builds the embedded engine from the tools of this machine. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import { chooseRuntime, type Candidate } from '../adapters/embedded/choose-runtime.ts';
import { controlGroups } from '../adapters/cgroup/control-groups.ts';
import { conmon } from '../adapters/conmon/conmon.ts';
import { embeddedEngine } from '../adapters/embedded/engine.ts';
import { listDirectory } from '../adapters/files/list-directory.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { findTool, fingerprint } from '../adapters/process/find-tool.ts';
import { linuxProcesses } from '../adapters/process/processes.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { ociRuntime } from '../adapters/runc/runc.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { Engine } from '../ports/engine.ts';

export type EmbeddedOptions = {
  readonly wanted: 'auto' | 'runc' | 'crun';
  readonly runDirectory: string;
  readonly cgroupParent: string;
  /** PATH for finding tools, and for the tools themselves (runc looks for criu there). */
  readonly searchPath: string;
  /** What an earlier start found out. */
  readonly remembered: string | undefined;
  /** Starts and ends a container with this engine. */
  readonly tryOut: (engine: Engine, id: ContainerId) => Promise<void>;
};

export type Embedded = { readonly engine: Engine; /** Remember it for the next start. */ readonly finding: string };

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
    throw missing(monitorBinary === undefined ? 'conmon' : wanted, searchPath);
  }
  const candidates = found.map(({ name, binary }): Candidate<Engine> => ({
    name,
    make: () => build(options, { name, binary, monitorBinary, places }),
  }));
  const machine = [release(), ...found.map(({ binary }) => fingerprint(binary)), fingerprint(monitorBinary)].join('|');
  const known = candidates.find(({ name }) => options.remembered === `${name}|${machine}`);
  if (known !== undefined) return { engine: known.make(), finding: `${known.name}|${machine}` };
  const { name, choice } = await chooseRuntime({
    candidates,
    tryOut: (engine) => options.tryOut(engine, `trial+${randomUUID()}` as ContainerId),
  });
  return { engine: choice, finding: `${name}|${machine}` };
}

type Places = { readonly bundles: string; readonly exits: string; readonly persist: string; readonly runtime: string };
type Tools = {
  readonly name: 'runc' | 'crun';
  readonly binary: string;
  readonly monitorBinary: string;
  readonly places: Places;
};

function build({ searchPath, cgroupParent }: EmbeddedOptions, { name, binary, monitorBinary, places }: Tools): Engine {
  const env = { PATH: searchPath, LC_ALL: 'C.UTF-8' };
  return embeddedEngine({
    runtime: ociRuntime(toolRunner(env), { name, binary, stateRoot: places.runtime }),
    monitor: conmon(linuxProcesses, { binary: monitorBinary, exitDir: places.exits, persistDir: places.persist, env }),
    groups: controlGroups({
      parent: cgroupParent,
      clock: systemClock,
      mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    }),
    processes: linuxProcesses,
    clock: systemClock,
    bundleOf: (id) => `${places.bundles}/${id}`,
    listBundles: async () => (await listDirectory(places.bundles)) as readonly ContainerId[],
    listState: (id) => listDirectory(`${places.runtime}/${id}`),
  });
}

const missing = (what: string, searchPath: string): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `${what === 'auto' ? 'neither runc nor crun' : what} is not there`,
    next: 'install it from Debian (in a clone: npm run setup), or name its directory as `tools` in the configuration',
    details: { searchPath },
  });
