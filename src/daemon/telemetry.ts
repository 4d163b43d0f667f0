import { createMetrics } from '../observe/index.js';
import type { PushServer, Telemetry } from '../server/index.js';
import { GapReason } from '../wire/index.js';
import { METRIC_LABELS } from './metric-labels.js';
import type { RefusalWarnings } from './refusals.js';

const gapLabels = new Map(
  Object.entries(GapReason).map(([name, reason]) => [
    reason,
    name.toLowerCase() as (typeof METRIC_LABELS.gapReasons)[number],
  ]),
);

export type DaemonMetrics = ReturnType<typeof daemonMetrics>;
export const daemonMetrics = (version: string) => createMetrics({ version, labels: METRIC_LABELS });

/** What the server counts, as metrics; of those who are refused the operator is warned, too. */
export function telemetryOf(metrics: DaemonMetrics, warnings: RefusalWarnings): Telemetry {
  return {
    accepted: () => metrics.connectionsAccepted.inc(),
    rejected: (reason) => {
      metrics.connectionsRejected.inc(reason);
      warnings.refused(reason);
    },
    closed: (cause) => metrics.closes.inc(cause as (typeof METRIC_LABELS.causes)[number]),
    internalError: () => metrics.internalErrors.inc(),
    frameReceived: (type) => metrics.framesReceived.inc(type),
    frameSent: (type) => metrics.framesSent.inc(type),
    bytesReceived: (bytes) => metrics.bytesReceived.inc(bytes),
    bytesSent: (bytes) => metrics.bytesSent.inc(bytes),
    corruptFrame: () => metrics.corruptFrames.inc(),
    resyncBytes: (bytes) => metrics.resyncBytes.inc(bytes),
    jitter: () => metrics.jitterEvents.inc(),
    rtt: (seconds) => metrics.rtt.observe(seconds),
    connectTime: (seconds) => metrics.clientConnect.observe(seconds),
    published: (records) => metrics.recordsPublished.inc(records),
    duplicates: (records) => metrics.duplicates.inc(records),
    delivered: (records, frames, ageSeconds) => {
      metrics.recordsDelivered.inc(records);
      metrics.framesSent.inc('messages', frames);
      metrics.deliveryAge.observe(ageSeconds, records);
    },
    gap: (reason) => metrics.gaps.inc(gapLabels.get(reason) ?? 'evicted'),
  };
}

/** Gauges are read when somebody scrapes, from one look at the server. */
export function readGauges(metrics: DaemonMetrics, server: PushServer): void {
  let stats = server.stats();
  metrics.beforeScrape(() => {
    stats = server.stats();
  });
  metrics.connections.readFrom(() => stats.connections);
  metrics.connectionsLimit.readFrom(() => stats.connectionsLimit);
  metrics.topics.readFrom(() => stats.topics);
  metrics.logBytes.readFrom(() => stats.logBytes);
  metrics.laggingCursors.readFrom(() => stats.laggingCursors);
  metrics.heartbeatConnections.readFrom(() => server.heartbeatClasses());
}
