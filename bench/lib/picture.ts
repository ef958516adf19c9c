/** A comparison as bars: a group a figure, a bar a peer; each group has a scale of its own. Narrow, for phones. */
import { FIGURE_NAMES, FIGURES, apps, type Comparison, type FigureName } from './comparison.ts';
import { median } from './statistics.ts';

/** Told apart by people who do not see all colours (Okabe and Ito), on light and dark pages. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9'];

const WIDTH = 480;
/** Where the bars begin: the peers' names stand before them. */
const LEFT = 132;
const BAR = 15;
/** For the figure after the longest bar. */
const ROOM = WIDTH - LEFT - 72;
const HEAD = 22;
const GAP = 10;

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
    const y = top + HEAD + i * (BAR + 3);
    const width = most === 0 ? 0 : (value / most) * ROOM;
    return (
      `<text x="${LEFT - 8}" y="${y + BAR - 3}" text-anchor="end">${escape(name)}</text>` +
      `<rect x="${LEFT}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>` +
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 3}">${value.toFixed(value >= 10 ? 0 : 1)} ${unit}</text>`
    );
  });
  return [`<text x="8" y="${top + HEAD - 8}" class="head">${escape(what)}</text>`, ...lines].join('\n');
}

const STYLE =
  'text { font: 13px sans-serif; fill: #1f2328; } .head { font-weight: 600; } ' +
  '@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }';

/** At one number of apps. */
export function picture(comparison: Comparison, count: number): string {
  const parts: string[] = [];
  let top = 34;
  for (const figure of FIGURE_NAMES) {
    const bars = barsOf(comparison, count, figure);
    if (bars.length === 0) continue;
    parts.push(group(figure, bars, top));
    top += HEAD + bars.length * (BAR + 3) + GAP;
  }
  const title = `Medians with ${apps(count)}, ${comparison.date}: shorter is better`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}</style>`,
    `<text x="8" y="20" class="head">${escape(title)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
