import { type Definition, type LabelLists, METRIC_PREFIX, METRICS } from './definitions.js';
import { valuesOf } from './metrics.js';
import { PROCESS_METRICS } from './process-metrics.js';

/** The table of metrics in docs/METRICS.md. */
export const metricsTable = (lists: LabelLists): string => {
  const rows = Object.values<Definition>(METRICS).map((definition) => {
    const { name, type, help } = definition;
    return `| \`${METRIC_PREFIX}${name}\` | ${type === 'info' ? 'gauge' : type} | ${detailsOf(definition, lists)} | ${help} |`;
  });
  return ['| name | type | labels, buckets | meaning |', '|---|---|---|---|', ...rows].join('\n');
};

/** The metrics of the process, which carry their customary names. */
export const processMetricsList = (): string => PROCESS_METRICS.map((name) => `- \`${name}\``).join('\n');

const detailsOf = (definition: Definition, lists: LabelLists): string => {
  switch (definition.type) {
    case 'counter':
    case 'gauge': {
      const { label } = definition;
      if (label === undefined) return '';
      return `\`${label.name}\`: ${valuesOf(label.values, lists).join(', ')}`;
    }
    case 'histogram':
      return `up to ${definition.buckets.join(', ')}`;
    case 'info':
      return definition.labels.map((name) => `\`${name}\``).join(', ');
  }
};
