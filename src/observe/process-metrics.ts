import { closeSync, openSync } from 'node:fs';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Collectable } from './exposition.js';

/**
 * Those of prom-client's metrics of the process that are exported. Left out are those that walk over every open
 * socket at each scrape, those that reset themselves at each scrape (two scrapers would take from one another), and
 * names that break the conventions.
 */
export const PROCESS_METRICS = [
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_gc_duration_seconds',
] as const;

let collected: readonly Collectable[] | undefined;

/** One set for the process, however many daemons run in it: each set would bring an observer of its own. */
export const processMetrics = (): readonly Collectable[] => {
  collected ??= collect();
  return collected;
};

const collect = (): readonly Collectable[] => {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    // No whole numbers: prom-client would write 1 where OpenMetrics wants 1.0.
    gcDurationBuckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5],
    // The event loop has a metric of our own; this sampler cannot be turned off, so it is slowed down to one a minute.
    eventLoopMonitoringPrecision: 60_000,
  });
  const all = registry.getMetricsAsArray() as unknown as readonly Collectable[];
  const limit = all.find(({ name }) => name === 'process_max_fds');
  const wanted = new Set<string>(PROCESS_METRICS);
  return all
    .filter(({ name }) => wanted.has(name))
    .map((metric) => (metric.name === 'process_open_fds' && limit ? orAllOfThem(metric, limit) : metric));
};

/**
 * prom-client needs a descriptor to count descriptors with, and goes on showing its last count when there is none: just
 * when the figure matters most. All of them are open then, which is the limit.
 */
const orAllOfThem = (open: Collectable, limit: Collectable): Collectable => ({
  name: open.name,
  type: open.type,
  get: async () => {
    const snapshot = await open.get();
    return hasSpareDescriptor() ? snapshot : { ...snapshot, values: (await limit.get()).values };
  },
});

const hasSpareDescriptor = (): boolean => {
  try {
    closeSync(openSync('/proc/self/fd', 'r'));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EMFILE';
  }
};
