import { createMetrics } from '../observe/index.js';
import type { PushServer, Telemetry } from '../server/index.js';
import { CODES, FrameType, type FrameName, GapReason } from '../wire/index.js';

const lower = <const S extends string>(names: readonly S[]) => names.map((name) => name.toLowerCase() as Lowercase<S>);
const keysOf = <O extends object>(object: O) => Object.keys(object) as (keyof O & string)[];

const closeCodes = keysOf(CODES).filter((name) => CODES[name].scope === 'close');
const causes = [...lower(closeCodes), 'peer_gone', 'unknown'] as const;
const gapReasons = lower(keysOf(GapReason));
const gapLabels = new Map(keysOf(GapReason).map((name) => [GapReason[name], name.toLowerCase() as Lowercase<typeof name>]));

/** The lists of label values that come from the wire. */
export const labelLists = { causes, frames: keysOf(FrameType), gapReasons };

export type DaemonMetrics = ReturnType<typeof daemonMetrics>;
export const daemonMetrics = (version: string) => createMetrics({ version, labels: labelLists });

/** What the server counts, as metrics. */
export function telemetryOf(metrics: DaemonMetrics): Telemetry {
  return {
    accepted: () => metrics.connectionsAccepted.inc(),
    rejected: (reason) => metrics.connectionsRejected.inc(reason),
    closed: (cause) => metrics.closes.inc(cause as (typeof causes)[number]),
    frameReceived: (type: FrameName) => metrics.framesReceived.inc(type),
    frameSent: (type: FrameName) => metrics.framesSent.inc(type),
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

/** Gauges are read when somebody scrapes. */
export function readGauges(metrics: DaemonMetrics, server: PushServer): void {
  metrics.connections.readFrom(() => server.stats().connections);
  metrics.connectionsLimit.readFrom(() => server.stats().connectionsLimit);
  metrics.topics.readFrom(() => server.stats().topics);
  metrics.logBytes.readFrom(() => server.stats().logBytes);
  metrics.laggingCursors.readFrom(() => server.stats().laggingCursors);
  metrics.heartbeatConnections.readFrom(() => server.heartbeatClasses());
}
