import {
  type Definition,
  type LabelLists,
  type ListName,
  METRIC_PREFIX,
  METRICS,
  type MetricKey,
} from './definitions.js';
import { createExposition, type Exposition } from './exposition.js';
import { Histogram } from './histogram.js';
import { Counter, Gauge, Info, type Instrument, LabelledCounter, LabelledGauge } from './instruments.js';
import { processMetrics } from './process-metrics.js';

type LabelValue<V, L extends LabelLists> = V extends ListName
  ? L[V][number]
  : V extends readonly (infer W extends string)[]
    ? W
    : never;

/** The instrument that a line of the table makes. */
type InstrumentOf<D, L extends LabelLists> = D extends { type: 'counter'; label: { values: infer V } }
  ? LabelledCounter<LabelValue<V, L>>
  : D extends { type: 'counter' }
    ? Counter
    : D extends { type: 'gauge'; label: { values: infer V } }
      ? LabelledGauge<LabelValue<V, L>>
      : D extends { type: 'gauge' }
        ? Gauge
        : D extends { type: 'histogram' }
          ? Histogram
          : Info;

export type Instruments<L extends LabelLists = LabelLists> = {
  readonly [K in MetricKey]: InstrumentOf<(typeof METRICS)[K], L>;
};

/** Everything that the daemon measures, and the text that a scrape gets. */
export type Metrics<L extends LabelLists = LabelLists> = Instruments<L> & Exposition;

export interface MetricsOptions<L extends LabelLists> {
  /** Of push-daemon, for `build_info`. */
  readonly version: string;
  /** The closed lists of label values that the table leaves to others. */
  readonly labels: L;
}

/** One set of metrics for one daemon: `metrics.closes.inc('heartbeat_timeout')`, `metrics.rtt.observe(0.02)`. */
export const createMetrics = <const L extends LabelLists>({ version, labels }: MetricsOptions<L>): Metrics<L> => {
  const info = { version, node: process.versions.node };
  const entries = Object.entries(METRICS).map(
    ([key, definition]) => [key, definition, createInstrument(definition, labels, info)] as const,
  );
  const families = entries.map(([, { name, help, type }, instrument]) => ({
    name: METRIC_PREFIX + name,
    help,
    type: type === 'info' ? ('gauge' as const) : type,
    instrument,
  }));
  // `createInstrument` makes for each line of the table what `InstrumentOf` says; a loop cannot tell the compiler so.
  const instruments = Object.fromEntries(entries.map(([key, , instrument]) => [key, instrument])) as Instruments<L>;
  return { ...instruments, ...createExposition(families, processMetrics()) };
};

const createInstrument = (definition: Definition, lists: LabelLists, info: { [label: string]: string }): Instrument => {
  switch (definition.type) {
    case 'counter': {
      const { label } = definition;
      return label === undefined ? new Counter() : new LabelledCounter(label.name, valuesOf(label.values, lists));
    }
    case 'gauge': {
      const { label } = definition;
      return label === undefined ? new Gauge() : new LabelledGauge(label.name, valuesOf(label.values, lists));
    }
    case 'histogram':
      return new Histogram(definition.buckets);
    case 'info':
      return new Info(Object.fromEntries(definition.labels.map((name) => [name, info[name] ?? ''])));
  }
};

/** A list by its name, or the list itself. */
export const valuesOf = (values: readonly string[] | ListName, lists: LabelLists): readonly string[] =>
  typeof values === 'string' ? lists[values] : values;
