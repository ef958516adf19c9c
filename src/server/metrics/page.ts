/**
 * The page that Prometheus reads, in its text format. The only module that knows the client library, and loaded with it at the
 * first request: values are counted elsewhere, so each page is made from nothing.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Spread } from './meter.ts';
import type { Sample } from './sample.ts';
import { METRICS, type MetricRow } from './table.ts';

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export function pageOf(sample: Sample): Promise<string> {
  const registry = new Registry();
  for (const row of METRICS) add(registry, row, sample);
  return registry.metrics();
}

function add(registry: Registry, row: MetricRow, sample: Sample): void {
  const { name, help, labels = [] } = row;
  const config = { name, help, labelNames: [...labels], registers: [registry] };
  if (row.type === 'histogram') {
    new FilledHistogram({ ...config, buckets: [...row.buckets] }, row.read(sample));
  } else if (row.type === 'gauge') {
    const gauge = new Gauge(config);
    for (const { labels: own = {}, value } of row.read(sample)) gauge.set(own, value);
  } else {
    const counter = new Counter(config);
    for (const { labels: own = {}, value } of row.read(sample)) counter.inc(own, value);
  }
}

type HistogramConfig = ConstructorParameters<typeof Histogram<string>>[0];
type Filled = Awaited<ReturnType<Histogram<string>['get']>>;

/** What was observed is known by buckets only; the library's own would have to observe each value once more. */
class FilledHistogram extends Histogram<string> {
  readonly #spreads: readonly Spread[];
  readonly #config: HistogramConfig;

  constructor(config: HistogramConfig, spreads: readonly Spread[]) {
    super(config);
    this.#config = config;
    this.#spreads = spreads;
  }

  override get(): Promise<Filled> {
    const { name, help } = this.#config;
    const collect = (): void => undefined;
    return Promise.resolve({
      name,
      help,
      collect,
      type: 'histogram',
      aggregator: 'sum',
      values: this.#values(),
    } as Filled);
  }

  /** What the registry asks for when it writes a page. */
  getForPromString(): Promise<Filled> {
    return this.get();
  }

  #values(): Filled['values'] {
    const { name, buckets = [] } = this.#config;
    return this.#spreads.flatMap(({ labels, buckets: counts, sum, count }) => {
      let below = 0;
      const cumulated = buckets.map((edge, index) => {
        below += counts[index] ?? 0;
        return { metricName: `${name}_bucket`, labels: { ...labels, le: String(edge) }, value: below };
      });
      return [
        ...cumulated,
        { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
  }
}
