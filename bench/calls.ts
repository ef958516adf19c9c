/** getInfo of one app over one WebSocket and over HTTP, each beside a bare server that does nothing, in turns. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Daemon } from './lib/daemon.ts';
import { PACKAGE } from './lib/daemon.ts';
import { httpRate, webSocketRate } from './lib/load.ts';
import { median } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = 5;
const ROUND_MS = 1000;

const KINDS = [
  { kind: 'ws', what: 'getInfo by WebSocket, one at a time / bare ws echo', rate: webSocketRate, atOnce: 1 },
  { kind: 'ws', what: 'getInfo by WebSocket, 32 at once / bare ws echo', rate: webSocketRate, atOnce: 32 },
  { kind: 'http', what: 'getInfo by HTTP keep-alive / bare node:http', rate: httpRate, atOnce: 1 },
  { kind: 'http', what: 'getInfo by HTTP on 8 connections / bare node:http', rate: httpRate, atOnce: 8 },
] as const;

export async function calls(daemon: Daemon): Promise<readonly Figure[]> {
  const { client, root } = daemon;
  const appInstanceId = 'calls';
  await client.run({ appId: 'bench', appInstanceId, app: { rootfs: { host: true }, args: ['/bin/sleep', '100000'] } });
  const text = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'org.rdk.RuntimeManager.1.getInfo',
    params: { appInstanceId },
  });
  const figures: Figure[] = [];
  for (const { kind, what, rate, atOnce } of KINDS) {
    await using peer = await startPeer(kind, `${root}/${kind}${atOnce}.sock`);
    const all = { ours: [] as number[], theirs: [] as number[] };
    for (let i = 0; i < ROUNDS; i++) {
      all.ours.push(await rate({ path: `${root}/run/control.sock`, text, ms: ROUND_MS, atOnce }));
      all.theirs.push(await rate({ path: peer.path, text, ms: ROUND_MS, atOnce }));
    }
    figures.push({ what, ours: median(all.ours), theirs: median(all.theirs), unit: '/s', bound: 0.5, least: true });
  }
  return figures;
}

async function startPeer(kind: string, path: string): Promise<AsyncDisposable & { readonly path: string }> {
  const child = spawn(process.execPath, [`${PACKAGE}bench/lib/peer.mjs`, kind, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
