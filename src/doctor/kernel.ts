/** What the kernel must have, and how it is set. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsSwap, findHierarchies, type Controller } from '../adapters/cgroup/hierarchies.ts';
import { mountOf } from '../adapters/files/mount-table.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Finding } from '../domain/health.ts';
import { fail, ok, warn, type Check, type Patient } from './place.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function userNamespaces(): Finding {
  const most = read('/proc/sys/user/max_user_namespaces');
  if (most !== undefined && Number(most) > 0) return ok('user namespaces', `user namespaces: up to ${most}`);
  return fail('user namespaces', {
    what: 'the kernel makes no user namespaces',
    why: most === undefined ? 'it is built without CONFIG_USER_NS' : 'user.max_user_namespaces is 0',
    next: most === undefined ? 'use a kernel with CONFIG_USER_NS' : 'sysctl -w user.max_user_namespaces=15000',
  });
}

/** By number, capability.h: what apps, their networks and mounts, and CRIU need of the daemon. */
const CAPABILITIES: Readonly<Record<string, bigint>> = {
  ...{ CAP_CHOWN: 0n, CAP_DAC_OVERRIDE: 1n, CAP_FOWNER: 3n, CAP_KILL: 5n, CAP_SETGID: 6n, CAP_SETUID: 7n },
  ...{ CAP_NET_ADMIN: 12n, CAP_SYS_CHROOT: 18n, CAP_SYS_PTRACE: 19n, CAP_SYS_ADMIN: 21n },
};

/** Root of a container has not all of them. */
function capabilities(): Finding {
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`);
  const missing = Object.entries(CAPABILITIES).filter(([, number]) => (held & (1n << number)) === 0n);
  if (missing.length === 0 || process.getuid?.() !== 0) return ok('capabilities', 'root has its capabilities');
  return fail('capabilities', {
    what: `root lacks ${missing.map(([name]) => name).join(', ')} here`,
    why: 'apps are not started, or not hibernated: this is a container, or a service, that was given less',
    next: 'give it these capabilities (--cap-add, or --privileged; of a service: CapabilityBoundingSet)',
  });
}

function seccomp(): Finding {
  const actions = read('/proc/sys/kernel/seccomp/actions_avail');
  if (actions?.includes('errno') === true) return ok('seccomp', 'seccomp filters');
  return fail('seccomp', {
    what: 'the kernel has no seccomp filters',
    why: 'every app is kept from dangerous system calls by one',
    next: 'use a kernel with CONFIG_SECCOMP_FILTER',
  });
}

/** 0: only root, and only for its own memory unless it asks for less. */
function userfaultfd(): Finding {
  const value = read('/proc/sys/vm/unprivileged_userfaultfd');
  if (value === undefined) {
    return warn('userfaultfd', {
      what: 'vm.unprivileged_userfaultfd is not there',
      why: 'large apps wake only when all of their memory is read: the kernel lacks CONFIG_USERFAULTFD',
      next: 'use a kernel with CONFIG_USERFAULTFD, or set hibernation.lazyPagesAboveBytes above the size of any app',
    });
  }
  if (value === '0') {
    return ok('userfaultfd', 'userfaultfd is closed, and opened for the moment of a wake of a large app');
  }
  return warn('userfaultfd', {
    what: 'vm.unprivileged_userfaultfd is 1: every user may use it',
    why: 'that helps to attack the kernel; a wake of a large app opens it for a moment only, and may be at work just now',
    next: 'when no app is waking: sysctl -w vm.unprivileged_userfaultfd=0',
  });
}

const NEEDED: readonly Controller[] = ['memory', 'pids', 'freezer', 'cpu'];

function controlGroups(): Finding {
  const mountInfo = read('/proc/self/mountinfo') ?? '';
  const hierarchies = findHierarchies(mountInfo);
  const places = NEEDED.map((controller) => ({ controller, place: hierarchies.of(controller) }));
  const missing = places.filter(({ place }) => place === undefined).map(({ controller }) => controller);
  const versions = [...new Set(places.flatMap(({ place }) => place?.version ?? []))].sort();
  const mode = versions.length > 1 ? 'v1 and v2 (hybrid)' : `v${versions[0] ?? '?'}`;
  if (missing.length > 0) {
    return fail('control groups', {
      what: `control groups ${mode} without ${missing.join(', ')}`,
      why: 'apps cannot be held to their limits, or not be suspended',
      next: 'boot with cgroup_enable=memory (some boards switch it off), and see that systemd or the set-up of the device mounts /sys/fs/cgroup',
    });
  }
  const closed = hierarchies.all.filter((path) => mountOf(path, mountInfo)?.options.includes('ro') === true);
  if (closed.length > 0) {
    return fail('control groups', {
      what: `control groups are mounted read-only: ${closed.join(', ')}`,
      why: 'no app can be started: each has groups of its own',
      next: `mount -o remount,rw ${closed[0] ?? ''}, or give the container that the daemon runs in control groups that it may write`,
    });
  }
  if (countsSwap(mountInfo)) return ok('control groups', `control groups ${mode}, with swap counted`);
  return warn('control groups', {
    what: `control groups ${mode}, and swap is not counted`,
    why: 'an app at its memory limit is swapped out where there is swap',
    next: 'boot with swapaccount=1 where the device has swap; without swap nothing is to be done',
  });
}

/** Two directories over each other, in a mount namespace that ends with the attempt. $1: a directory. */
const LAY_OVER = 'mkdir "$1/a" "$1/b" "$1/c" && mount -t overlay -o "lowerdir=$1/a:$1/b" overlay "$1/c"';
const TRY_MS = 20_000;

/** By trying: on stock kernels it is a module, which nobody sees before the first mount has loaded it. */
async function overlays({ searchPath }: Patient): Promise<Finding> {
  if ((read('/proc/filesystems') ?? '').includes('overlay')) return ok('overlayfs', 'overlayfs');
  // who is not root can neither mount nor load
  if (process.getuid?.() !== 0) return ok('overlayfs', 'overlayfs was not tried: that takes root');
  const place = await mkdtemp(join(tmpdir(), 'runtime-manager-doctor-'));
  const apart = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', LAY_OVER, 'sh', place];
  const wait = { signal: AbortSignal.timeout(TRY_MS), timeoutMs: TRY_MS };
  try {
    await toolRunner({ PATH: searchPath })(apart, wait);
    return ok('overlayfs', 'overlayfs: directories were laid over each other');
  } catch (error) {
    return warn('overlayfs', {
      what: 'the kernel lays no directories over each other (overlayfs)',
      why: `apps cannot be run from layers and packages: ${RuntimeError.of(error).message}`,
      next: 'see why modprobe overlay fails, or use a kernel with CONFIG_OVERLAY_FS',
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

export const examineKernel: Check = () =>
  Promise.resolve([
    ok('kernel', `Linux ${release()}`),
    ...[capabilities(), userNamespaces(), seccomp(), controlGroups(), userfaultfd()],
  ]);

export const examineOverlays: Check = async (patient) => [await overlays(patient)];
