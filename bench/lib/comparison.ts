/** What a comparison found, as a page. */
import { table } from '../../scripts/docs/markdown.mjs';
import { median, percentile } from './statistics.ts';

/** In the order of an app's life. `least` is the best everywhere. */
export const FIGURES = {
  start: { what: 'run → running', unit: 'ms' },
  suspend: { what: 'suspend', unit: 'ms' },
  resume: { what: 'resume', unit: 'ms' },
  hibernate: { what: 'hibernate', unit: 'ms' },
  wake: { what: 'wake', unit: 'ms' },
  terminate: { what: 'terminate → gone', unit: 'ms' },
  exit: { what: 'exit → event', unit: 'ms' },
  memory: { what: 'memory per app, outside of the app (PSS)', unit: 'MB' },
} as const;

export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** Of one peer at one number of apps. */
export type Column = {
  readonly samples: Readonly<Partial<Record<FigureName, readonly number[]>>>;
  /** Why a figure has no samples, or not all. */
  readonly failures: Readonly<Partial<Record<FigureName, string>>>;
};

export type PeerReport = {
  readonly name: string;
  readonly what: string;
  /** Why it was not measured. */
  readonly absent?: string;
  /** By the number of apps. */
  readonly columns: ReadonlyMap<number, Column>;
};

export type Comparison = {
  /** ISO, a day. */
  readonly date: string;
  /** Kernel, cores, versions; no names and no paths. */
  readonly machine: readonly string[];
  readonly rounds: number;
  readonly counts: readonly number[];
  /** The first is ours, which the ratios are of. */
  readonly peers: readonly PeerReport[];
};

const REASON_CHARACTERS = 200;

/** For a page that others read: a line, and no paths of this machine. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = text.replaceAll(/\/[\w.+-]+(?:\/[\w.+-]*)+/g, '…').split('\n');
  return line.length > REASON_CHARACTERS ? `${line.slice(0, REASON_CHARACTERS)}…` : line;
}

const short = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** A median, the middle half, and how many times ours it is. */
function cell(column: Column | undefined, name: FigureName, ours: Column | undefined): string {
  const values = column?.samples[name] ?? [];
  if (values.length === 0) return column?.failures[name] === undefined ? '—' : 'failed';
  const spread = values.length > 1 ? ` (${short(percentile(values, 0.25))}–${short(percentile(values, 0.75))})` : '';
  const base = ours?.samples[name] ?? [];
  const ratio = column === ours || base.length === 0 ? '' : ` ×${short(median(values) / median(base))}`;
  return `${short(median(values))}${spread}${ratio}`;
}

function tableOf({ peers }: Comparison, count: number): string {
  const ours = peers[0]?.columns.get(count);
  const rows = FIGURE_NAMES.map((name) => [
    `${FIGURES[name].what}, ${FIGURES[name].unit}`,
    ...peers.map(({ absent, columns }) =>
      absent === undefined ? cell(columns.get(count), name, ours) : 'not measured',
    ),
  ]);
  return table(['figure', ...peers.map(({ name }) => name)], rows);
}

function notesOf({ peers, counts }: Comparison): readonly string[] {
  return peers.flatMap(({ name, what, absent, columns }) => [
    `- **${name}**: ${what}.${absent === undefined ? '' : ` Not measured: ${absent}.`}`,
    ...counts.flatMap((count) =>
      Object.entries(columns.get(count)?.failures ?? {}).map(
        ([figure, reason]) => `  - ${FIGURES[figure as FigureName].what} with ${apps(count)}: ${reason}`,
      ),
    ),
  ]);
}

/** Each start and each end takes longer in a crowd. */
export const roundsWith = (count: number, rounds: number): number =>
  Math.max(1, Math.ceil(count <= 10 ? rounds : count <= 100 ? rounds / 2 : rounds / 3));

/** Many enough to be a device, few enough for many rounds. */
export const pictured = ({ counts }: Comparison): number => (counts.includes(10) ? 10 : (counts.at(-1) ?? 1));

/** For the README: medians, and how many times ours they are. */
export function summary(comparison: Comparison): string {
  const { date, machine, peers } = comparison;
  const count = pictured(comparison);
  const measured = peers.filter(({ absent }) => absent === undefined);
  const ours = measured[0]?.columns.get(count);
  const rows = FIGURE_NAMES.map((name) => [
    `${FIGURES[name].what}, ${FIGURES[name].unit}`,
    ...measured.map(({ columns }) => cell(columns.get(count), name, ours).replace(/ \(.*?\)/, '')),
  ]);
  return [
    `Medians with ${apps(count)}, ${date}; ${machine.join(', ')}. × is how many times ours: above 1 we are better.`,
    '',
    table(['figure', ...measured.map(({ name }) => name)], rows),
    '',
    '![Bars of the medians](docs/benchmarks.svg)',
  ].join('\n');
}

export const apps = (count: number): string => (count === 1 ? '1 app' : `${count} apps`);

export function page(comparison: Comparison): string {
  const { date, machine, rounds, counts } = comparison;
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench -- compare`: each starts the same app (a shell that waits) from the same root file system on the same',
    'machine in one run. A cell is the median, in brackets the middle half of the samples, and × how many times our figure it is:',
    'above 1 we are better. Milliseconds do not travel to another machine, ratios do.',
    '',
    `${date}; ${machine.join(', ')}; ${counts.map((count) => `${roundsWith(count, rounds)} rounds with ${apps(count)}`).join(', ')}.`,
    '',
    '![Medians of each](benchmarks.svg)',
    '',
    ...counts.flatMap((count) => [`## With ${apps(count)}`, '', tableOf(comparison, count), '']),
    '## Who is who',
    '',
    ...notesOf(comparison),
    '',
    'Exit → event is from the SIGKILL of the first process until a client has been told. Memory is that of the processes which live',
    'as long as the apps (a daemon, conmon), divided by the number of apps.',
    '',
  ].join('\n');
}
