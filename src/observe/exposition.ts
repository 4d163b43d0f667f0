import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';
import type { Instrument } from './instruments.js';

export type Format = 'prometheus' | 'openmetrics';

/** The answer to one scrape. */
export interface Scrape {
  readonly contentType: string;
  readonly body: string;
}

export interface Exposition {
  /** `work` is done before each scrape: what several gauges are read from is taken once. */
  beforeScrape(work: () => void): void;
  render(format: Format): Promise<Scrape>;
}

/** An instrument with what a scrape says about it. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly instrument: Instrument;
}

/** What prom-client's registry reads of a metric, be it one of its own classes or not. */
export interface Collectable {
  readonly name: string;
  readonly type: string;
  get(): Promise<Snapshot>;
}

interface Snapshot {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly {
    readonly metricName?: string;
    readonly labels: { readonly [name: string]: string };
    readonly value: number;
  }[];
}

/** Both formats of the same metrics. A registry speaks only one format, so there is one for each. */
export const createExposition = (families: readonly Family[], others: readonly Collectable[]): Exposition => {
  const prometheus = new Registry();
  const openMetrics = new Registry<OpenMetricsContentType>();
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of [...families.map(collectable), ...others]) {
    register(prometheus, metric);
    register(openMetrics, withoutTotal(metric));
  }
  let prepare = (): void => {};
  return {
    beforeScrape: (work) => {
      prepare = work;
    },
    render: async (format) => {
      prepare();
      const registry = format === 'openmetrics' ? openMetrics : prometheus;
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
};

const collectable = ({ name, help, type, instrument }: Family): Collectable => ({
  name,
  type,
  get: async () => ({
    name,
    help,
    type,
    values: instrument.samples().map(({ suffix, labels, value }) => ({ metricName: name + suffix, labels, value })),
  }),
});

/**
 * In OpenMetrics a counter's name is without `_total`, which only its samples have. prom-client's registry cuts it off
 * the metric itself, and so spoils it for the other registry: hence a view of our own.
 */
const withoutTotal = (metric: Collectable): Collectable => ({
  name: metric.name,
  type: metric.type,
  get: async () => {
    const snapshot = await metric.get();
    if (snapshot.type !== 'counter') return snapshot;
    // Without a name of their own, the registry gives samples that of the metric, and appends `_total`.
    const values = snapshot.values.map(({ labels, value }) => ({ labels, value }));
    return { ...snapshot, name: snapshot.name.replace(/_total$/, ''), values };
  },
});

/** The declared type asks for one of prom-client's classes; the code needs no more than a Collectable. */
const register = (registry: { registerMetric(metric: Metric): void }, metric: Collectable): void =>
  registry.registerMetric(metric as unknown as Metric);
