/** The medians of a comparison as bars: a group a figure, a bar a peer; each group has a scale of its own. */
import { FIGURE_NAMES, FIGURES, apps, type Comparison, type FigureName } from './comparison.ts';
import { median } from './statistics.ts';

/** Told apart by people who do not see all colours (Okabe and Ito), on light and dark pages. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9'];

const WIDTH = 760;
const LEFT = 250;
const BAR = 14;
const ROOM = WIDTH - LEFT - 90;
const GAP = 12;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

type Bar = { readonly name: string; readonly colour: string; readonly value: number };

function barsOf({ peers }: Comparison, count: number, figure: FigureName): readonly Bar[] {
  return peers.flatMap(({ name, columns }, i) => {
    const values = columns.get(count)?.samples[figure] ?? [];
    return values.length === 0 ? [] : [{ name, colour: COLOURS[i % COLOURS.length] ?? '', value: median(values) }];
  });
}

function group(figure: FigureName, bars: readonly Bar[], top: number): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const { what, unit } = FIGURES[figure];
  const lines = bars.map(({ name, colour, value }, i) => {
    const y = top + i * (BAR + 2);
    const width = most === 0 ? 0 : (value / most) * ROOM;
    const text = `${value.toFixed(value >= 10 ? 0 : 1)} ${unit}`;
    return (
      `<rect x="${LEFT}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${BAR}" fill="${colour}"><title>${escape(name)}</title></rect>` +
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 3}">${text}</text>`
    );
  });
  return [`<text x="${LEFT - 10}" y="${top + BAR - 3}" text-anchor="end">${escape(what)}</text>`, ...lines].join('\n');
}

/** At one number of apps. */
export function picture(comparison: Comparison, count: number): string {
  const shown = comparison.peers
    .map(({ name, columns }, i) => ({ name, measured: columns.has(count), i }))
    .filter(({ measured }) => measured);
  const parts: string[] = [];
  let top = 66;
  for (const figure of FIGURE_NAMES) {
    const bars = barsOf(comparison, count, figure);
    if (bars.length === 0) continue;
    parts.push(group(figure, bars, top));
    top += bars.length * (BAR + 2) + GAP;
  }
  const legend = shown.map(
    ({ name, i }, place) =>
      `<rect x="${20 + place * 140}" y="34" width="12" height="12" fill="${COLOURS[i % COLOURS.length] ?? ''}"/>` +
      `<text x="${38 + place * 140}" y="45">${escape(name)}</text>`,
  );
  const title = `Medians with ${apps(count)}, ${comparison.date}: shorter is better`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${escape(title)}">`,
    '<style>text { font: 13px sans-serif; fill: #1f2328; } @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }</style>',
    `<text x="20" y="20" font-weight="bold">${escape(title)}</text>`,
    ...legend,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
