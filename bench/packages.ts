/** What many instances of one image cost beside one: disk and page cache. */
import { execFileSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { layout } from '../src/domain/layout.ts';
import { tagOf } from '../src/start/open-place.ts';
import { groupFile } from '../test/lib/machine.ts';
import { layerOf, programRoot, writeLayout } from '../test/lib/package-images.ts';
import type { Daemon } from './lib/daemon.ts';
import type { Figure } from './lib/table.ts';

const INSTANCES = 100;
const MIB = 2 ** 20;
const IMAGE_BYTES = 60 * MIB;
/** Reads every byte of the image's largest file, says so, and stays. */
const READ_ALL = 'cat /ballast > /dev/null && echo read; exec sleep 100000';

export async function packages({ client, root }: Daemon): Promise<readonly Figure[]> {
  const places = layout(root);
  const image = `${root}/image`;
  const directory = programRoot(`${root}/image-root`);
  // no two pages alike, so that nothing is shared by chance
  const ballast = Buffer.alloc(IMAGE_BYTES);
  for (let at = 0; at < ballast.length; at += 512) ballast.writeUInt32LE(at, at);
  writeFileSync(`${directory}/ballast`, ballast);
  writeLayout(image, { layers: [layerOf(directory)] });
  const run = async (i: number): Promise<void> => {
    const appInstanceId = `packed${i}`;
    const app = { rootfs: { image }, args: ['/bin/sh', '-c', READ_ALL] };
    await client.run({ appId: 'packed', appInstanceId, app });
    while ((await client.getLogs({ appInstanceId })).lines.length === 0) await sleep(5);
  };
  const look = () => ({ disk: diskBytes(places.packages), cache: cacheBytes(`/runtime-manager-${tagOf(places)}`) });
  await run(0);
  await client.kill({ appInstanceId: 'packed0' });
  forget(places.packages);
  await run(0);
  const one = look();
  for (let i = 1; i < INSTANCES; i++) await run(i);
  const all = look();
  for (let i = 0; i < INSTANCES; i++) await client.kill({ appInstanceId: `packed${i}` });
  const of = `${INSTANCES} instances of one 60 MB image`;
  return [
    { what: `${of}, disk`, ours: all.disk / MIB, theirs: one.disk / MIB, unit: 'MB', bound: 1.02 },
    { what: `${of}, page cache`, ours: all.cache / MIB, theirs: one.cache / MIB, unit: 'MB', bound: 1.1 },
  ];
}

/** Whoever unpacked it has it in the page cache: now nobody has, and who reads it is charged for it (dd(1), nocache). */
function forget(directory: string): void {
  for (const path of globSync(`${directory}/chains/*/root/ballast`)) {
    execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
  }
}

const diskBytes = (path: string): number =>
  Number.parseInt(execFileSync('du', ['--summarize', '--block-size=1', path], { encoding: 'utf8' }), 10);

/** Charged to the apps of this daemon, whoever touched a page first; not what the machine does besides. */
function cacheBytes(group: string): number {
  const text = groupFile(group, 'memory.stat') ?? '';
  const [, bytes] = /^(?:total_cache|file) (\d+)$/m.exec(text) ?? [];
  return Number(bytes);
}
