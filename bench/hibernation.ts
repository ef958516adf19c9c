/** Hibernate and wake against the bare recipe (pause, checkpoint; conmon --restore), of the same container in one run. */
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareTools, type Bare } from './lib/bare.ts';
import type { Daemon } from './lib/daemon.ts';
import { median } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const MIB = 2 ** 20;

/** Holds memory, and ticks: a number in a file of its storage that grows every 5 ms. */
const ticker = (mib: number) => ({
  rootfs: { host: true as const },
  args: [
    '/usr/bin/perl',
    '-e',
    `my $x = join '', map { pack 'NN', $_, $_ * 2654435761 } 1 .. ${(mib * MIB) / 8 / 16}; $x x= 16; my $n = 0;
     while (1) { open my $f, '>', '/data/tick.new'; print $f ++$n, ' ', length $x; close $f; rename '/data/tick.new', '/data/tick'; select undef, undef, undef, 0.005 }`,
  ],
});

const tick = async (daemon: Daemon, app: string): Promise<number> =>
  Number.parseInt(await readFile(`${daemon.root}/state/apps/${app}/tick`, 'utf8').catch(() => '0'), 10);

async function untilTickAfter(daemon: Daemon, app: string, seen: number): Promise<void> {
  while ((await tick(daemon, app)) <= seen) await sleep(1);
}

/** The last wake's pages are its own matter: the peer has none that are still to come. */
async function untilPagesAreIn(daemon: Daemon, id: string): Promise<void> {
  for (;;) {
    const { hibernation: now } = await daemon.client.getInfo({ appInstanceId: id });
    if (now.image === null) return;
    await sleep(20);
  }
}

type Pair = { readonly dump: number; readonly wake: number };

async function ours(daemon: Daemon, id: string): Promise<Pair> {
  await untilPagesAreIn(daemon, id);
  const begin = performance.now();
  await daemon.client.hibernate({ appInstanceId: id });
  const dumped = performance.now();
  const seen = await tick(daemon, id);
  const waking = performance.now();
  await daemon.client.wake({ appInstanceId: id });
  await untilTickAfter(daemon, id, seen);
  return { dump: dumped - begin, wake: performance.now() - waking };
}

async function theirs(daemon: Daemon, bare: Bare, id: string): Promise<Pair> {
  const image = `${daemon.root}/bare/image-${id}`;
  await mkdir(image, { recursive: true });
  const begin = performance.now();
  await bare.runtime('pause', id);
  await bare.checkpoint(id, image);
  const dumped = performance.now();
  await bare.openImage(image);
  const seen = await tick(daemon, id);
  const waking = performance.now();
  await bare.restore(id, image);
  await untilTickAfter(daemon, id, seen);
  const wake = performance.now() - waking;
  await rm(image, { recursive: true });
  return { dump: dumped - begin, wake };
}

type Sample = { readonly ours: readonly Pair[]; readonly theirs: readonly Pair[] };

/** The daemon's own and a bare copy of it live side by side and take turns. */
async function compare(daemon: Daemon, mib: number, rounds: number): Promise<Sample> {
  const id = `tick${mib}`;
  await daemon.client.run({ appId: id, appInstanceId: id, app: ticker(mib) });
  await untilTickAfter(daemon, id, 1);
  const all = { ours: [] as Pair[], theirs: [] as Pair[] };
  for (let i = 0; i < rounds; i++) all.ours.push(await ours(daemon, id));
  const bare = await bareTools(daemon, id);
  // ours stands still, and its directories stay for the copy
  await daemon.client.suspend({ appInstanceId: id });
  await rm(`${daemon.root}/state/apps/${id}/tick`, { force: true });
  await bare.start(id);
  await untilTickAfter(daemon, id, 1);
  for (let i = 0; i < rounds; i++) all.theirs.push(await theirs(daemon, bare, id));
  await bare.end(id);
  await daemon.client.kill({ appInstanceId: id });
  return all;
}

const medians = (sample: Sample, part: keyof Pair) => ({
  ours: median(sample.ours.map((pair) => pair[part])),
  theirs: median(sample.theirs.map((pair) => pair[part])),
});

export async function hibernation(daemon: Daemon): Promise<readonly Figure[]> {
  // the bare recipe has no doors: what it binds must be reachable from inside a user namespace
  for (const place of [daemon.root, `${daemon.root}/state`, `${daemon.root}/state/apps`]) await chmod(place, 0o711);
  const small = await compare(daemon, 1, 7);
  const middle = await compare(daemon, 200, 5);
  const large = await compare(daemon, 1024, 3);
  return [
    { what: 'hibernate a small app', ...medians(small, 'dump'), unit: 'ms', bound: 1.25 },
    { what: 'wake a small app until it ticks', ...medians(small, 'wake'), unit: 'ms', bound: 1.25 },
    { what: 'hibernate 200 MB', ...medians(middle, 'dump'), unit: 'ms', bound: 1.25 },
    { what: 'wake 200 MB until it ticks (peer: eager)', ...medians(middle, 'wake'), unit: 'ms', bound: 1.25 },
    { what: 'hibernate 1 GB', ...medians(large, 'dump'), unit: 'ms', bound: 1.25 },
    { what: 'wake 1 GB until it ticks (peer: eager)', ...medians(large, 'wake'), unit: 'ms', bound: 0.35 },
  ];
}
