/** Where in the control groups the apps are, and what lives on for them without the daemon. */
import { readFileSync } from 'node:fs';
import { countingHierarchies } from '../adapters/cgroup/hierarchies.ts';
import { monitorGroups } from '../adapters/cgroup/monitor-groups.ts';
import { isThere } from '../adapters/files/is-there.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { isBooted, scope, scopePath } from '../adapters/systemd/scope.ts';
import { layout, type Layout } from '../domain/layout.ts';
import type { Log } from '../ports/log.ts';
import { tagOf } from './open-place.ts';

export type AppPlace = {
  /** Absolute path in the hierarchies. */
  readonly parent: string;
  /** Where a daemon of another version, or with another configuration, may have put apps: those stay there. */
  readonly earlier: readonly string[];
  /** The parent group is a service manager's, which removes it itself. */
  readonly isManaged: boolean;
  /** Before a container is made: the place is there. */
  readonly ready: () => Promise<void>;
  /** Puts a process that must outlive the daemon beside the apps. Where that cannot be, it stays with the daemon. */
  readonly enter: (pid: number) => void;
  readonly close: () => Promise<void>;
};

type Options = {
  /** Of the configuration. */
  readonly wanted: string | undefined;
  readonly places: Layout;
  readonly searchPath: string;
  readonly log: Log;
};

/** One group for each root directory, so that daemons side by side never sweep each other's containers. */
const nameOf = (places: Layout): string =>
  places.run === layout().run ? 'runtime-manager' : `runtime-manager-${tagOf(places)}`;

/** The places that a daemon chooses by itself: below systemd, and without it. */
export const ownGroups = (places: Layout) => ({ scope: scopePath(nameOf(places)), root: `/${nameOf(places)}` });

/** What the adapters of control groups are told of it. */
export const groupsOf = ({ parent, earlier, isManaged }: AppPlace) => ({ parent, earlier, isManaged });

export async function openAppPlace(options: Options): Promise<AppPlace> {
  const { wanted, places } = options;
  const own = ownGroups(places);
  const others = (parent: string) => [own.scope, own.root].filter((path) => path !== parent);
  if (wanted === undefined && isBooted()) {
    const managed = await inScope(options, own.scope);
    if (managed !== undefined) return { ...managed, parent: own.scope, earlier: others(own.scope), isManaged: true };
  }
  const parent = wanted ?? own.root;
  return {
    ...{ parent, earlier: others(parent), isManaged: false, enter: entering(parent, options.log) },
    ready: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const mountInfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8');

/** Undefined where systemd does not make it: then the apps are where they are without systemd. */
async function inScope({ places, searchPath, log }: Options, parent: string) {
  const enter = entering(parent, log);
  const [first] = countingHierarchies(mountInfo());
  if (first === undefined) return undefined;
  const held = scope({
    ...{ name: nameOf(places), searchPath, clock: systemClock, enter: monitorGroups(parent, mountInfo()) },
    isThere: () => isThere(`${first}${parent}`),
  });
  try {
    await held.ready();
    return { enter, ready: held.ready, close: async () => held[Symbol.asyncDispose]() };
  } catch (error) {
    log.warn({ err: error }, 'the control groups of the apps are outside of systemd, at the top of the hierarchy');
    return undefined;
  }
}

const entering = (parent: string, log: Log): AppPlace['enter'] => {
  const enter = monitorGroups(parent, mountInfo());
  return (pid) => {
    try {
      enter(pid);
    } catch (error) {
      log.warn({ err: error, pid }, 'a process that must outlive the daemon stays in its control group');
    }
  };
};
