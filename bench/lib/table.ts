/** The figures as a table: what, ours, theirs, the ratio, the bound. */
export type Figure = {
  readonly what: string;
  readonly ours: number;
  readonly theirs?: number;
  readonly unit: string;
  /** Of the ratio where there is a peer, else of our own figure. */
  readonly bound: number;
  /** The bound is the least, as of a rate. */
  readonly least?: true;
};

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));

export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map(({ what, ours, theirs, unit, bound, least }) => {
    const value = theirs === undefined ? ours : ours / theirs;
    const ratio = theirs === undefined ? '' : round(ours / theirs);
    return [
      what,
      `${round(ours)} ${unit}`,
      theirs === undefined ? '' : `${round(theirs)} ${unit}`,
      ratio,
      `${least ? '≥' : '≤'} ${bound}`,
      (least ? value >= bound : value <= bound) ? 'yes' : 'NO',
    ];
  });
  const all = [['figure', 'ours', 'peer', 'ratio', 'bound', 'held'], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  for (const row of all) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
