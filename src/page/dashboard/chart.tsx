/** One line over time. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { timeOfDay } from './parts.tsx';

type ChartProps = {
  readonly title: string;
  /** In s since 1970. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly words: (value: number) => string;
  /** The axis reaches so far at least: what is nearly nothing looks so. */
  readonly least: number;
  /** Where lines may be; uPlot's own steps when absent. */
  readonly steps?: readonly number[];
  /** Name of a colour of the style sheet. */
  readonly colour: string;
};

const HEIGHT = 110;
/** Of the page's time axis at least, in s. */
const MIN_SPAN = 120;

export function Chart({ title, times, values, words, ...look }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf({ words, ...look, width: current.clientWidth }), [[], []], current);
    };
    draw();
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: current.clientWidth, height: HEIGHT }));
    sizes.observe(current);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      sizes.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData([[...times], [...values]]), [times.at(-1), times.length]);
  const known = values.filter((value) => value !== null);
  const now = known.at(-1);
  const most = Math.max(...known);
  return (
    <figure class="chart">
      <figcaption>
        {title}
        {now !== undefined && <b>{words(now)}</b>}
        {now !== undefined && <small>at most {words(most)}</small>}
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={
          now === undefined ? `${title}: no figures yet` : `${title}: now ${words(now)}, at most ${words(most)}`
        }
      />
    </figure>
  );
}

const clockTime = (seconds: number): string => timeOfDay(new Date(seconds * 1000).toISOString());

type Look = Pick<ChartProps, 'words' | 'colour' | 'least' | 'steps'> & { readonly width: number };

function optionsOf({ words, colour, least, steps, width }: Look): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colourOf = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colourOf('soft'),
    font: `11px ${style.fontFamily}`,
    ticks: { show: false },
    grid: { stroke: colourOf('line'), width: 1 },
  };
  const line = colourOf(colour);
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 26, 0, 0],
    scales: {
      x: { time: true, range: (_plot, from, to) => [Math.min(from, to - MIN_SPAN), to] },
      y: { range: (_plot, _from, to) => [0, Math.max(least, to * 1.2)] },
    },
    axes: [
      { ...axis, size: 22, grid: { show: false }, space: 80, values: (_plot, ticks) => ticks.map(clockTime) },
      {
        ...axis,
        size: 62,
        space: 34,
        ...(steps !== undefined && { incrs: [...steps] }),
        values: (_plot, ticks) => ticks.map((tick) => words(tick)),
      },
    ],
    series: [{}, { stroke: line, width: 1.5, fill: `${line}22`, points: { show: false } }],
  };
}
