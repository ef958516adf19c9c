/** npm run bench -- compare: us beside the others, side by side in one run; writes docs/benchmarks.md and docs/benchmarks.svg. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { programRoot } from '../test/lib/package-images.ts';
import { apps, page, reasonOf, type Column, type Comparison, type PeerReport } from './lib/comparison.ts';
import { TOOLS } from './lib/daemon.ts';
import { startRounds } from './lib/peer-rounds.ts';
import { picture } from './lib/picture.ts';
import { RUNTIME, SCRIPT } from './peers/bare.ts';
import { DOBBY, DOCKER } from './peers/others.ts';
import { OURS } from './peers/ours.ts';
import type { Kind, Place } from './peers/peer.ts';
import { PODMAN } from './peers/podman.ts';

const KINDS = [OURS, RUNTIME, SCRIPT, PODMAN, DOCKER, DOBBY] as const;

/** More than that of each peer at once would measure a crowded machine: from here on they come one after the other. */
const TOGETHER = 10;

export type CompareOptions = {
  readonly counts: readonly number[];
  readonly rounds: number;
  readonly dobby: string | undefined;
  /** Where the page and the picture go. */
  readonly out: string;
  readonly signal: AbortSignal;
};

type Measured = { readonly kind: Kind; readonly place: Place; readonly columns: Map<number, Column> };

const versionOf = (tool: string): string =>
  /\d+\.\d+(\.\d+)?/.exec(execFileSync(join(TOOLS, tool), ['--version'], { encoding: 'utf8' }))?.[0] ?? '?';

const machine = (): readonly string[] => [
  `kernel ${release().split('-')[0] ?? ''}`,
  `${cpus().length} cores`,
  `${Math.round(totalmem() / 2 ** 30)} GB`,
  ...['runc', 'conmon', 'criu'].map((tool) => `${tool} ${versionOf(tool)}`),
];

/** Side by side: each has its turn in every round, so that whatever else the machine does hits all. */
async function measure(all: readonly Measured[], count: number, { rounds, signal }: CompareOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const running = [];
  for (const { kind, place, columns } of all) {
    signal.throwIfAborted();
    console.error(`${kind.name} with ${apps(count)}`);
    const directory = await mkdtemp(join(place.directory, 'run-'));
    try {
      const peer = stack.use(await kind.open({ ...place, directory }));
      const turn = stack.use(await startRounds(peer, count, signal));
      running.push(turn);
      columns.set(count, turn.column());
    } catch (error) {
      signal.throwIfAborted();
      columns.set(count, { samples: {}, failures: { start: reasonOf(error) } });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const turn of running) await turn.round(signal);
  }
}

async function measureAll(root: string, options: CompareOptions): Promise<readonly PeerReport[]> {
  const rootfs = join(root, 'rootfs');
  programRoot(rootfs);
  const here: Measured[] = [];
  const reports: PeerReport[] = [];
  for (const [i, kind] of KINDS.entries()) {
    const place = { directory: join(root, `peer${i}`), rootfs, dobby: options.dobby };
    await mkdir(place.directory);
    const absent = await kind.absent(place);
    const columns = new Map<number, Column>();
    reports.push({ name: kind.name, what: kind.what, columns, ...(absent !== undefined && { absent }) });
    if (absent === undefined) here.push({ kind, place, columns });
  }
  for (const count of options.counts) {
    const groups = count <= TOGETHER ? [here] : here.map((one) => [one]);
    for (const group of groups) await measure(group, count, options);
  }
  return reports;
}

export async function compare(options: CompareOptions): Promise<void> {
  const { counts, rounds, out } = options;
  const root = await mkdtemp(join(tmpdir(), 'rmt-compare-'));
  try {
    // the bare tools reach the root file system from inside a user namespace
    await chmod(root, 0o711);
    const peers = await measureAll(root, options);
    const comparison: Comparison = {
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      rounds,
      counts,
      peers,
    };
    const text = page(comparison);
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'benchmarks.md'), text);
    await writeFile(join(out, 'benchmarks.svg'), picture(comparison, counts.at(-1) ?? 1));
    console.log(text);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
