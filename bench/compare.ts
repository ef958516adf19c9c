/** npm run bench -- compare: us beside the others, side by side in one run; writes docs/benchmarks.md and docs/benchmarks.svg. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { programRoot } from '../test/lib/package-images.ts';
import {
  apps,
  page,
  pictured,
  reasonOf,
  roundsWith,
  summary,
  type Column,
  type Comparison,
  type PeerReport,
} from './lib/comparison.ts';
import { PACKAGE, TOOLS } from './lib/daemon.ts';
import { own } from './lib/leftovers.ts';
import { startRounds, type Rounds } from './lib/peer-rounds.ts';
import { picture } from './lib/picture.ts';
import { RUNTIME, SCRIPT } from './peers/bare.ts';
import { DOBBY } from './peers/dobby.ts';
import { DOCKER } from './peers/docker.ts';
import { OURS } from './peers/ours.ts';
import type { Kind, Place } from './peers/peer.ts';
import { PODMAN } from './peers/podman.ts';

/** More than that of each peer at once would measure a crowded machine: from here on they come one after the other. */
const TOGETHER = 10;

/** Of the names on the command line. */
const PEERS: Readonly<Record<string, Kind>> = {
  ...{ runc: RUNTIME, script: SCRIPT, podman: PODMAN, docker: DOCKER, dobby: DOBBY },
};
export const PEER_NAMES = Object.keys(PEERS);

export type CompareOptions = {
  readonly counts: readonly number[];
  /** With up to 10 apps; a crowd makes each round long, so there are fewer of them. */
  readonly rounds: number;
  /** Who is measured beside us, of {@link PEER_NAMES}. */
  readonly peers: readonly string[];
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

/** With the time since the start, for whoever waits. */
const say = (text: string): void => {
  console.error(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${text}`);
};

/** Side by side: each has its turn in every round, so that whatever else the machine does hits all. */
async function measure(all: readonly Measured[], count: number, { rounds, signal }: CompareOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const running: Rounds[] = [];
  for (const { kind, place, columns } of all) {
    signal.throwIfAborted();
    say(`${kind.name}: ${apps(count)} ${count === 1 ? 'is' : 'are'} started`);
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
  const times = roundsWith(count, rounds);
  const names = all.map(({ kind }) => kind.name).join(', ');
  for (let round = 0; round < times; round++) {
    say(`round ${round + 1} of ${times} with ${apps(count)}: ${names}`);
    for (const turn of running) await turn.round(signal);
  }
  say(`${apps(count)} of ${names} ${count === 1 ? 'is' : 'are'} ended`);
}

async function measureAll(root: string, options: CompareOptions): Promise<readonly PeerReport[]> {
  const rootfs = join(root, 'rootfs');
  programRoot(rootfs);
  const here: Measured[] = [];
  const reports: PeerReport[] = [];
  const kinds = [OURS, ...options.peers.flatMap((name) => PEERS[name] ?? [])];
  for (const [i, kind] of kinds.entries()) {
    const place = { directory: join(root, `peer${i}`), rootfs, dobby: options.dobby };
    await mkdir(place.directory);
    const absent = await kind.absent(place);
    const columns = new Map<number, Column>();
    reports.push({ name: kind.name, what: kind.what, columns, ...(absent !== undefined && { absent }) });
    if (absent === undefined) here.push({ kind, place, columns });
    else say(`${kind.name} is not measured: ${absent}`);
  }
  for (const count of options.counts) {
    const groups = count <= TOGETHER ? [here] : here.map((one) => [one]);
    for (const group of groups) await measure(group, count, options);
  }
  return reports;
}

export const DOCS = join(PACKAGE, 'docs');
const README = join(PACKAGE, 'README.md');
const PART = /(<!-- comparison -->\n)[^]*(<!-- end of comparison -->)/;

/** The README's table, in its place there. */
async function writeSummary(comparison: Comparison): Promise<void> {
  const text = await readFile(README, 'utf8');
  await writeFile(
    README,
    text.replace(PART, (_, begin: string, end: string) => `${begin}\n${summary(comparison)}\n\n${end}`),
  );
}

export async function compare(options: CompareOptions): Promise<void> {
  const { counts, rounds, out } = options;
  const root = await mkdtemp(join(tmpdir(), 'rmt-compare-'));
  own(root);
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
    await writeFile(join(out, 'benchmarks.svg'), picture(comparison, pictured(comparison)));
    if (out === DOCS) await writeSummary(comparison);
    console.log(text);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
