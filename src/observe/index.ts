/** What the daemon tells of itself: log lines, metrics, and the side port that serves them. */
export { type LabelLists, METRIC_PREFIX, METRICS, type MetricKey } from './definitions.js';
export { metricsTable, processMetricsList } from './docs.js';
export { watchEventLoop } from './event-loop.js';
export type { Format, Scrape } from './exposition.js';
export type { Histogram } from './histogram.js';
export type { Counter, Gauge, LabelledCounter, LabelledGauge } from './instruments.js';
export { flushStandardOutput } from './log-output.js';
export { bounded, createLogger, type Logger, type LoggerOptions } from './logger.js';
export { createMetrics, type Instruments, type Metrics, type MetricsOptions } from './metrics.js';
export type { Readiness } from './routes.js';
export {
  SIDE_PORT_LIMITS,
  type SidePort,
  type SidePortLimits,
  type SidePortOptions,
  startSidePort,
} from './side-port.js';
