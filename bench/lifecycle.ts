/** Run, suspend, resume and exits against the bare tools, side by side in one run. */
import { bareTools } from './lib/bare.ts';
import { proportionalBytes, type Daemon } from './lib/daemon.ts';
import { readFileSync } from 'node:fs';
import { alternate, median, percentile, timed } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_BENCH_ROUNDS'] ?? 30);
const app = { rootfs: { host: true as const }, args: ['/bin/sleep', '100000'] };

export async function lifecycle(daemon: Daemon): Promise<readonly Figure[]> {
  const { client } = daemon;
  await client.run({ appId: 'bench', appInstanceId: 'model', app });
  const bare = await bareTools(daemon, 'model');
  const start = await alternate(
    ROUNDS,
    async (i) => {
      const ms = await timed(() => client.run({ appId: 'bench', appInstanceId: `run${i}`, app }));
      await client.kill({ appInstanceId: `run${i}` });
      return ms;
    },
    async (i) => {
      const ms = await bare.start(`run${i}`);
      await bare.end(`run${i}`);
      return ms;
    },
  );
  await bare.start('model');
  const suspend = { ours: [] as number[], theirs: [] as number[] };
  const resume = { ours: [] as number[], theirs: [] as number[] };
  for (let i = 0; i < ROUNDS; i++) {
    suspend.ours.push(await timed(() => client.suspend({ appInstanceId: 'model' })));
    resume.ours.push(await timed(() => client.resume({ appInstanceId: 'model' })));
    suspend.theirs.push(await timed(() => bare.runtime('pause', 'model')));
    resume.theirs.push(await timed(() => bare.runtime('resume', 'model')));
  }
  await bare.end('model');
  return [
    { what: 'run → started, median', ...start, unit: 'ms', bound: 1.35 },
    { what: 'suspend, median', ours: median(suspend.ours), theirs: median(suspend.theirs), unit: 'ms', bound: 0.5 },
    { what: 'resume, median', ours: median(resume.ours), theirs: median(resume.theirs), unit: 'ms', bound: 0.5 },
  ];
}

/** From the kill(2) of the app's first process until a client has the event. */
export async function exitToEvent({ client }: Daemon): Promise<Figure> {
  const controller = new AbortController();
  const seen = new Map<string, (at: number) => void>();
  const follow = (async () => {
    for await (const event of client.events({ signal: controller.signal })) {
      if (event.type === 'terminated') seen.get(event.appInstanceId)?.(performance.now());
    }
  })();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS * 3; i++) {
    const appInstanceId = `exit${i}`;
    await client.run({ appId: 'bench', appInstanceId, app });
    const { pid } = await client.getInfo({ appInstanceId });
    const told = new Promise<number>((resolve) => seen.set(appInstanceId, resolve));
    const begin = performance.now();
    process.kill(pid ?? 0, 'SIGKILL');
    times.push((await told) - begin);
  }
  controller.abort();
  await follow.catch(() => undefined);
  return { what: 'exit → event at a client, p99', ours: percentile(times, 0.99), unit: 'ms', bound: 25 };
}

const MIB = 2 ** 20;

/** Memory with 20 apps, and the longest silence of the daemon while it starts them. */
export async function crowd(daemon: Daemon): Promise<readonly Figure[]> {
  const { client } = daemon;
  const before = daemon.residentBytes();
  await daemon.loopDelayMs();
  const ids = Array.from({ length: 20 }, (_, i) => `crowd${i}`);
  await Promise.all(ids.map((appInstanceId) => client.run({ appId: appInstanceId, appInstanceId, app })));
  const blocked = await daemon.loopDelayMs();
  const after = daemon.residentBytes();
  const conmons = ids.map((id) => Number(readFileSync(`${daemon.root}/run/bundles/${id}/conmon.pid`, 'utf8')));
  const outside = conmons.reduce((sum, pid) => sum + proportionalBytes(pid), 0) / conmons.length;
  const info: number[] = [];
  const version: number[] = [];
  for (let i = 0; i < 300; i++) {
    info.push(await timed(() => client.getInfo({ appInstanceId: 'crowd0' })));
    version.push(await timed(() => client.version()));
  }
  return [
    { what: 'daemon resident with 20 apps', ours: after / MIB, unit: 'MB', bound: 80 },
    { what: 'growth per app', ours: (after - before) / MIB / ids.length, unit: 'MB', bound: 0.7 },
    { what: 'per app outside the daemon (conmon, PSS)', ours: outside / MIB, unit: 'MB', bound: 2.1 },
    { what: 'event loop blocked at most, 20 apps start at once', ours: blocked, unit: 'ms', bound: 20 },
    {
      what: "reading one app's figures (getInfo − version)",
      ours: median(info) - median(version),
      unit: 'ms',
      bound: 1,
    },
  ];
}
