/**
 * Lets packets come back to the apps: those that arrive at an uplink are passed on only when its `forwarding` is set. That is the
 * machine's setting, not ours; it is changed for the uplinks only, and put back when our network is gone (ip-sysctl.rst).
 */
import { readFile } from 'node:fs/promises';
import { changeSetting, type Change } from '../process/guarded-setting.ts';

const settingOf = (name: string): string => `/proc/sys/net/ipv4/conf/${name}/forwarding`;

/** Interfaces with a default route: lines of /proc/net/route with destination 0 and mask 0, the name in the first column. */
export function uplinks(routes: string): readonly string[] {
  const rows = routes
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/));
  const defaults = rows.filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000');
  return [...new Set(defaults.flatMap(([name]) => name ?? []))];
}

type Guarding = Required<Pick<Change, 'searchPath' | 'enter'>>;

export class Forwarding {
  readonly #anchor: string;
  readonly #guarding: Guarding;
  readonly #guards = new Map<string, AsyncDisposable>();

  constructor(anchor: string, { searchPath, enter }: Guarding) {
    this.#anchor = anchor;
    this.#guarding = { searchPath, enter };
  }

  /** For every uplink there is now. Throws NOT_SUPPORTED when the machine does not let it be set. */
  async refresh(): Promise<void> {
    const names = uplinks(await readFile('/proc/net/route', 'latin1'));
    for (const name of names.filter((one) => !this.#guards.has(one))) {
      const guard = await changeSetting({
        file: settingOf(name),
        during: '1',
        after: '0',
        ...this.#guarding,
        // the apps go on without the daemon, and so does their network
        lasting: `/proc/sys/net/ipv4/conf/${this.#anchor}`,
      });
      this.#guards.set(name, guard);
    }
  }

  /** When the anchor is gone. */
  async end(): Promise<void> {
    const guards = [...this.#guards.values()];
    this.#guards.clear();
    for (const guard of guards) await guard[Symbol.asyncDispose]();
  }
}
