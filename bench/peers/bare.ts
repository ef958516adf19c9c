/** runc by itself, and conmon with runc by the shortest script: both start the bundle that our daemon makes of the app. */
import { readFileSync, watch } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareTools, tool, type Bare } from '../lib/bare.ts';
import { startDaemon, type Daemon } from '../lib/daemon.ts';
import { ARGS, type Kind, type Peer } from './peer.ts';

const MODEL = 'model';

/** Its directories are the copies' too, so it stays, and stands still. */
async function startModel(rootfs: string): Promise<Daemon> {
  const daemon = await startDaemon({ apart: true });
  try {
    await daemon.client.run({ appId: MODEL, appInstanceId: MODEL, app: { rootfs: { dir: rootfs }, args: [...ARGS] } });
    await daemon.client.suspend({ appInstanceId: MODEL });
    // the bare tools have no doors: what they bind must be reachable from inside a user namespace
    for (const place of [daemon.root, `${daemon.root}/state`, `${daemon.root}/state/apps`]) await chmod(place, 0o711);
    return daemon;
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

const pidFrom = (file: string): number => Number(readFileSync(file, 'utf8'));

/** Until it has ended: there is no one else to ask. When init reaps it is not the runtime's matter (proc(5) stat). */
async function gone(pid: number): Promise<void> {
  const state = (): string => {
    try {
      return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'Z';
    } catch {
      return 'Z';
    }
  };
  while (state() !== 'Z') await sleep(1);
}

async function image(bare: Bare, directory: string, id: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await bare.checkpoint(id, directory);
  await bare.openImage(directory);
}

async function openScript(rootfs: string): Promise<Peer> {
  const daemon = await startModel(rootfs);
  const bare = await bareTools(daemon, MODEL);
  const dir = `${daemon.root}/bare`;
  const ended = followFiles(`${dir}/exits`);
  const remove = async (id: string): Promise<void> => {
    await bare.runtime('delete', '--force', id).catch(() => undefined);
    await rm(`${dir}/${id}`, { recursive: true, force: true });
    await rm(`${dir}/exits/${id}`, { force: true });
    await rm(`${dir}/image-${id}`, { recursive: true, force: true });
  };
  return {
    start: (id) => bare.start(id),
    suspend: (id) => bare.runtime('pause', id),
    resume: (id) => bare.runtime('resume', id),
    hibernate: (id) => image(bare, `${dir}/image-${id}`, id),
    wake: async (id) => {
      await bare.restore(id, `${dir}/image-${id}`);
      await rm(`${dir}/image-${id}`, { recursive: true });
    },
    terminate: async (id) => {
      const end = ended.told(id);
      await bare.runtime('kill', id, 'TERM');
      await end;
      await remove(id);
    },
    pid: (id) => Promise.resolve(pidFrom(`${dir}/${id}/pid`)),
    told: ended.told,
    remove,
    outside: (ids) => Promise.resolve(ids.map((id) => pidFrom(`${dir}/${id}/conmon.pid`))),
    [Symbol.asyncDispose]: async () => {
      ended.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** conmon writes a file named as the container when its first process has ended. */
function followFiles(directory: string) {
  const waiting = new Map<string, () => void>();
  const watcher = watch(directory, (_, name) => {
    waiting.get(name ?? '')?.();
  });
  return {
    told: (id: string) => new Promise<void>((resolve) => waiting.set(id, resolve)),
    close: () => {
      watcher.close();
    },
  };
}

async function openRuntime(rootfs: string): Promise<Peer> {
  const daemon = await startModel(rootfs);
  const bare = await bareTools(daemon, MODEL);
  const dir = `${daemon.root}/bare`;
  const made = await readFile(`${daemon.root}/run/bundles/${MODEL}/config.json`, 'utf8');
  const pidFile = (id: string): string => `${dir}/${id}/pid`;
  const remove = async (id: string): Promise<void> => {
    await bare.runtime('delete', '--force', id).catch(() => undefined);
    await rm(`${dir}/${id}`, { recursive: true, force: true });
    await rm(`${dir}/image-${id}`, { recursive: true, force: true });
  };
  const bundle = async (id: string): Promise<readonly string[]> => {
    const config = JSON.parse(made) as { linux: { cgroupsPath: string }; annotations: Record<string, string> };
    config.linux.cgroupsPath = `/runtime-manager-bench-${process.pid}/runc-${id}`;
    config.annotations['org.criu.config'] = `${dir}/${id}/criu.conf`;
    await mkdir(`${dir}/${id}`);
    await writeFile(`${dir}/${id}/criu.conf`, 'network-lock skip\ntcp-close\n');
    await writeFile(`${dir}/${id}/config.json`, JSON.stringify(config));
    return ['--bundle', `${dir}/${id}`, '--pid-file', pidFile(id)];
  };
  return {
    start: async (id) => bare.runtime('run', '--detach', '--no-new-keyring', ...(await bundle(id)), id),
    suspend: (id) => bare.runtime('pause', id),
    resume: (id) => bare.runtime('resume', id),
    hibernate: (id) => image(bare, `${dir}/image-${id}`, id),
    wake: async (id) => {
      const from = [
        '--image-path',
        `${dir}/image-${id}`,
        '--work-path',
        `${dir}/${id}`,
        '--manage-cgroups-mode=ignore',
      ];
      await bare.runtime('restore', '--detach', ...from, '--bundle', `${dir}/${id}`, '--pid-file', pidFile(id), id);
      await rm(`${dir}/image-${id}`, { recursive: true });
    },
    terminate: async (id) => {
      const pid = pidFrom(pidFile(id));
      await bare.runtime('kill', id, 'TERM');
      await gone(pid);
      await remove(id);
    },
    pid: (id) => Promise.resolve(pidFrom(pidFile(id))),
    remove,
    outside: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const absent = (): Promise<undefined> => tool('runc', '--version').then(() => undefined);

export const RUNTIME: Kind = {
  name: 'runc',
  what: 'runc alone (`runc run --detach`): nobody watches the app, so nobody tells of its end',
  absent,
  open: ({ rootfs }) => openRuntime(rootfs),
};

export const SCRIPT: Kind = {
  name: 'conmon + runc',
  what: 'conmon and runc by the shortest script that can tell of an end',
  absent,
  open: ({ rootfs }) => openScript(rootfs),
};
