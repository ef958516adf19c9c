/** Every tool: whether it is there, works at all, and is new enough. */
import { release } from 'node:os';
import { findTool } from '../adapters/process/find-tool.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { findCompositor } from '../adapters/sway/compositor.ts';
import type { Finding } from '../domain/health.ts';
import { SET_UP } from '../domain/set-up.ts';
import { dirname } from 'node:path';
import { fail, ok, warn, type Check, type Patient } from './place.ts';

type Tool = {
  readonly name: string;
  /** Debian's. */
  readonly from: string;
  /** What there is not without it. */
  readonly lack: string;
  /** Nothing works without it. */
  readonly needed?: true;
  readonly version?: readonly string[];
};

export const TOOLS: readonly Tool[] = [
  { name: 'conmon', from: 'conmon', lack: 'no app can be started', needed: true },
  { name: 'tini-static', from: 'tini', lack: 'no app can be started', needed: true },
  { name: 'criu', from: 'criu', lack: 'nothing can be hibernated' },
  { name: 'ip', from: 'iproute2', lack: 'no app can have a network', needed: true, version: ['-V'] },
  { name: 'nsenter', from: 'util-linux', lack: 'no app can have a network, nor be hibernated', needed: true },
  { name: 'setpriv', from: 'util-linux', lack: 'images are not compressed, displays not started', needed: true },
  { name: 'unshare', from: 'util-linux', lack: 'packages cannot be unpacked', needed: true },
  { name: 'mount', from: 'mount', lack: 'packages cannot be mounted', needed: true },
  { name: 'nft', from: 'nftables', lack: 'no app can have the network nat' },
  { name: 'perl', from: 'perl-base', lack: 'nothing can be mounted into living apps, large apps wake slower' },
  { name: 'losetup', from: 'mount', lack: 'storage of apps cannot be limited' },
  { name: 'mkfs.ext4', from: 'e2fsprogs', lack: 'storage of apps cannot be limited', version: ['-V'] },
  { name: 'skopeo', from: 'skopeo', lack: 'apps cannot be run from OCI images' },
  { name: 'umoci', from: 'umoci', lack: 'apps cannot be run from OCI images' },
  { name: 'zstd', from: 'zstd', lack: 'images of hibernated apps are not compressed' },
];

const VERSION_MS = 10_000;

/** Its version; undefined when it cannot even say that. */
async function versionOf(path: string, args: readonly string[], searchPath: string): Promise<string | undefined> {
  const wait = { signal: AbortSignal.timeout(VERSION_MS), timeoutMs: VERSION_MS };
  const said = await toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' })([path, ...args], wait).catch(() => undefined);
  if (said === undefined) return undefined;
  return /\d+(?:\.\d+)+/.exec(said.stdout + said.stderr)?.[0] ?? 'of unknown version';
}

const mend = (from: string): string =>
  `apt-get install ${from} (${SET_UP}), or name the directory that has it as \`tools\` in the configuration`;

async function examineTool(
  { name, from, lack, needed, version = ['--version'] }: Tool,
  searchPath: string,
): Promise<Finding> {
  const check = `tool ${name}`;
  const grade = needed === true ? fail : warn;
  const path = findTool(name, searchPath);
  if (path === undefined) {
    return grade(check, { what: `${name} is not there`, why: `without it ${lack}`, next: mend(from) });
  }
  const found = await versionOf(path, version, searchPath);
  if (found === undefined) {
    return grade(check, { what: `${path} cannot be run`, why: `without it ${lack}`, next: mend(from) });
  }
  return name === 'criu' ? criuOf(path, found) : ok(check, `${name} ${found} (${path})`);
}

/** Older ones say "Looks good" on these kernels, and fail on every process with an internet socket. */
const NEW_KERNEL = [6, 16] as const;
const CRIU_FLOOR = [4, 2] as const;

function criuOf(path: string, version: string): Finding {
  const isNew = !isBelow(release(), NEW_KERNEL);
  if (!isNew || !isBelow(version, CRIU_FLOOR)) return ok('tool criu', `criu ${version} (${path})`);
  return fail('tool criu', {
    what: `criu ${version} is too old for kernel ${release()} (${path})`,
    why: `from kernel ${NEW_KERNEL.join('.')} on, apps can be hibernated with CRIU ${CRIU_FLOOR.join('.')} or newer only`,
    next: `install CRIU 4.2 or newer (${SET_UP}), or name its directory as \`tools\` in the configuration`,
  });
}

function isBelow(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return first < major || (first === major && second < minor);
}

/** The first that leaves control groups to its caller at a checkpoint. */
const RUNC_FLOOR = [1, 2] as const;

function runtimeOf(name: string, path: string, version: string): Finding {
  if (name !== 'runc' || !isBelow(version, RUNC_FLOOR)) return ok(`tool ${name}`, `${name} ${version} (${path})`);
  return warn('tool runc', {
    what: `runc ${version} is too old to hibernate apps (${path})`,
    why: `that takes runc ${RUNC_FLOOR.join('.')} or newer`,
    next: `let the set-up fetch a newer one (${SET_UP}), or name its directory as \`tools\` in the configuration`,
  });
}

async function examineRuntimes({ searchPath, config }: Patient): Promise<readonly Finding[]> {
  const wanted = config.runtime === 'auto' ? ['runc', 'crun'] : [config.runtime];
  const found = await Promise.all(
    wanted.map(async (name) => {
      const path = findTool(name, searchPath);
      const version = path === undefined ? undefined : await versionOf(path, ['--version'], searchPath);
      return { name, path, version };
    }),
  );
  const there = found.flatMap(({ name, path = '', version }) =>
    version === undefined ? [] : [runtimeOf(name, path, version)],
  );
  if (there.length > 0) return there;
  const why = 'without an OCI runtime no app can be started';
  const what = found.map(({ name, path }) => (path === undefined ? `${name} is not there` : `${path} cannot be run`));
  return [fail('tool runc', { what: what.join(', and '), why, next: mend(wanted[0] ?? 'runc') })];
}

function examineDisplay({ config, tools, searchPath }: Patient): Finding {
  const { provider } = config.displays;
  if (provider !== 'embedded') return ok('display', `displays are made by: ${provider}`);
  const bundle = tools === undefined ? undefined : `${dirname(tools)}/display`;
  const found = findCompositor({ bundle, searchPath });
  if (found === undefined) {
    const why = 'without sway and grim no app can have a display';
    return warn('display', { what: 'sway or grim is not there', why, next: mend('sway grim') });
  }
  if (found.bundle !== undefined) return ok('display', `sway and grim of the bundle ${bundle ?? ''}`);
  return warn('display', {
    what: "only the machine's own sway and grim are there",
    why: 'apps can have a display, but one with a display cannot be hibernated: that takes the bundle',
    next: `let the set-up fetch the bundle (${SET_UP})`,
  });
}

export const examineTools: Check = async (patient) => [
  ...(await examineRuntimes(patient)),
  ...(await Promise.all(TOOLS.map((tool) => examineTool(tool, patient.searchPath)))),
  examineDisplay(patient),
];
