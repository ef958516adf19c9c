/** Our daemon, by its client. */
import { readFileSync } from 'node:fs';
import { startDaemon, type Daemon } from '../lib/daemon.ts';
import { ARGS, type Kind, type Peer } from './peer.ts';

async function open(rootfs: string): Promise<Peer> {
  const daemon = await startDaemon({ apart: true });
  const { client, root } = daemon;
  const { told, end } = follow(daemon);
  const bundle = (id: string): string => `${root}/run/bundles/${id}`;
  return {
    start: (id) => client.run({ appId: id, appInstanceId: id, app: { rootfs: { dir: rootfs }, args: [...ARGS] } }),
    suspend: (id) => client.suspend({ appInstanceId: id }),
    resume: (id) => client.resume({ appInstanceId: id }),
    hibernate: (id) => client.hibernate({ appInstanceId: id }),
    wake: (id) => client.wake({ appInstanceId: id }),
    terminate: (id) => client.terminate({ appInstanceId: id }),
    pid: async (id) => (await client.getInfo({ appInstanceId: id })).pid ?? 0,
    told,
    remove: (id) => client.kill({ appInstanceId: id }),
    outside: async (ids) => [daemon.pid, ...ids.map((id) => Number(readFileSync(`${bundle(id)}/conmon.pid`, 'utf8')))],
    [Symbol.asyncDispose]: async () => {
      await end();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

function follow({ client }: Daemon) {
  const controller = new AbortController();
  const waiting = new Map<string, () => void>();
  const over = (async () => {
    for await (const event of client.events({ signal: controller.signal })) {
      if (event.type === 'terminated') waiting.get(event.appInstanceId)?.();
    }
  })().catch(() => undefined);
  return {
    told: (id: string) => new Promise<void>((resolve) => waiting.set(id, resolve)),
    end: async () => {
      controller.abort();
      await over;
    },
  };
}

export const OURS: Kind = {
  name: 'Runtime Manager',
  what: 'this project: daemon, conmon and runc',
  absent: () => Promise.resolve(undefined),
  open: ({ rootfs }) => open(rootfs),
};
