/** What it costs to set an app apart: the configuration that the daemon makes, and the same without any of it, by the bare tools. */
import { bareTools } from './lib/bare.ts';
import type { Daemon } from './lib/daemon.ts';
import { alternate } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_BENCH_ROUNDS'] ?? 30);

type Config = {
  readonly process: object;
  readonly linux: { readonly namespaces: readonly { readonly type: string }[]; readonly cgroupsPath?: string };
};

/** A runtime cannot do without a mount namespace, and the end of the first process would not end the others without one of pids. */
const KEPT = new Set(['mount', 'pid']);

function withoutIsolation(config: object): object {
  const { linux, process: started, ...rest } = config as Config;
  const namespaces = linux.namespaces.filter(({ type }) => KEPT.has(type));
  return {
    ...rest,
    hostname: undefined,
    process: { ...started, noNewPrivileges: false, rlimits: [] },
    linux: { namespaces, cgroupsPath: linux.cgroupsPath },
  };
}

export async function isolation(daemon: Daemon): Promise<readonly Figure[]> {
  const { client } = daemon;
  const app = { rootfs: { host: true as const }, args: ['/bin/sleep', '100000'] };
  await client.run({ appId: 'bench', appInstanceId: 'apart', app });
  const [apart, open] = [await bareTools(daemon, 'apart'), await bareTools(daemon, 'apart', withoutIsolation)];
  const times = await alternate(
    ROUNDS,
    async (i) => {
      const ms = await apart.start(`apart${i}`);
      await apart.end(`apart${i}`);
      return ms;
    },
    async (i) => {
      const ms = await open.start(`open${i}`);
      await open.end(`open${i}`);
      return ms;
    },
  );
  await client.kill({ appInstanceId: 'apart' });
  return [{ what: 'start with all isolation, beside one with none', ...times, unit: 'ms', bound: 1.5 }];
}
