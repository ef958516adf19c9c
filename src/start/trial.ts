/** Starts and ends a container with an engine: the only proof that it can. */
import { chown, mkdir } from 'node:fs/promises';
import { systemClock } from '../adapters/process/clock.ts';
import { appSchema, type App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { Engine, Live, StartOrder } from '../ports/engine.ts';
import type { Insides } from '../ports/insides.ts';
import type { RootFilesystems } from '../ports/root-filesystems.ts';
import { startLimits } from '../spec/limits.ts';
import { ociConfig } from '../spec/oci-config.ts';

export type TrialOptions = {
  readonly rootfs: RootFilesystems;
  readonly runDirectory: string;
  readonly insides: Insides;
  readonly architecture: 'x64' | 'arm64';
  readonly uid: number;
  readonly rootIdOffset: number;
  readonly oomScoreAdj: number;
};

/** A slow device at its boot takes its time; what hangs is told after it. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 3;
const APP = appSchema.parse({ rootfs: { host: true }, args: ['/bin/true'] });

type Order = { readonly engine: Engine; readonly id: ContainerId; readonly app: App };

/** Of an app that the engine is tried with. */
export async function trialOrder(options: TrialOptions, { engine, id, app }: Order): Promise<StartOrder> {
  const { rootfs, runDirectory, insides, architecture, uid, rootIdOffset, oomScoreAdj } = options;
  const directory = `${runDirectory}/trial`;
  const storage = `${directory}/data`;
  await mkdir(storage, { recursive: true, mode: 0o700 });
  // as an app's own is: crun 1.8 opens it once more as the container's root, who is nobody to files of root
  await chown(storage, uid, uid);
  const config = ociConfig({
    app,
    rootfs: await rootfs.open({ rootfs: app.rootfs, mounts: [], uid, gid: uid, hostname: 'trial' }),
    identity: { uid, gid: uid, rootHostUid: uid + rootIdOffset, rootHostGid: uid + rootIdOffset },
    storage,
    display: null,
    inside: await insides.prepare(id),
    architecture,
    oomScoreAdj,
    cgroupsPath: engine.cgroupsPath(id),
    hostname: 'trial',
    appId: 'trial',
    appInstanceId: id,
  });
  return {
    ...{ id, config, limits: startLimits(config), wishes: app, displaySocket: null },
    ...{
      logFile: `${directory}/log`,
      logMaxBytes: 4096,
      terminal: false,
      network: { join: 'loopback', hostPorts: [] },
    },
  };
}

export const tryOut =
  (options: TrialOptions) =>
  async (engine: Engine, id: ContainerId): Promise<void> => {
    const wait = { signal: AbortSignal.timeout(TIMEOUT_MS), timeoutMs: TIMEOUT_MS };
    let live: Live | null = null;
    try {
      live = await engine.start(await trialOrder(options, { engine, id, app: APP }), wait);
      await untilEnded(engine, id, live);
    } finally {
      await engine.remove(id, { known: live, ...wait });
      await options.insides.remove(id);
    }
  };

async function untilEnded(engine: Engine, id: ContainerId, live: Live): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const ended = await engine.ended(id, live);
    if (ended?.code === 0) return;
    if (ended !== undefined || performance.now() > deadline) {
      throw new RuntimeError('START_FAILED', {
        what: `/bin/true in a container ended with ${ended?.code ?? 'nothing in time'}`,
      });
    }
    await systemClock.sleep(POLL_MS);
  }
}
