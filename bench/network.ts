/** What the network nat adds to a start, in network namespaces of our own. */
import type { AppInput } from '../src/client/node.ts';
import { makeNets } from '../test/lib/nets.ts';
import { startDaemon } from './lib/daemon.ts';
import { median, timed } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_BENCH_ROUNDS'] ?? 30);
const WARM_UP = 3;
const app = { rootfs: { host: true as const }, args: ['/bin/sleep', '100000'] };

const WAYS: Readonly<Record<'none' | 'nat' | 'published', Pick<AppInput, 'network' | 'ports'>>> = {
  none: { network: 'none' },
  nat: { network: 'nat' },
  published: { network: 'nat', ports: [{ host: 8080, app: 80 }] },
};

export async function network(): Promise<readonly Figure[]> {
  await using nets = await makeNets();
  await using daemon = await startDaemon({ within: nets.machine.within });
  const { client } = daemon;
  // with another app there: the first one also makes the network itself
  await client.run({ appId: 'bench', appInstanceId: 'first', app: { ...app, ...WAYS.nat } });
  const times = { none: [] as number[], nat: [] as number[], published: [] as number[] };
  for (let i = 0; i < ROUNDS + WARM_UP; i++) {
    for (const way of ['none', 'nat', 'published'] as const) {
      const appInstanceId = `${way}${i}`;
      const ms = await timed(() => client.run({ appId: 'bench', appInstanceId, app: { ...app, ...WAYS[way] } }));
      await client.kill({ appInstanceId });
      if (i >= WARM_UP) times[way].push(ms);
    }
  }
  const beyond = (way: 'nat' | 'published'): number => median(times[way]) - median(times.none);
  return [
    { what: 'start with nat, beyond one without a network', ours: beyond('nat'), unit: 'ms', bound: 15 },
    { what: 'start with a published port, beyond that', ours: beyond('published'), unit: 'ms', bound: 25 },
  ];
}
