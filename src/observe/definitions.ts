/**
 * The one table of metrics: the object that the daemon counts with, what a scrape says and docs/METRICS.md all come
 * from it. No label carries a topic, a client or an address, so the number of series does not grow with the load.
 */

export const METRIC_PREFIX = 'push_daemon_';

/** Closed lists of label values that belong to others, and are handed in: the table of codes, the frames. */
export type ListName = 'causes' | 'frames' | 'gapReasons';
export type LabelLists = { readonly [L in ListName]: readonly string[] };

interface Label {
  readonly name: string;
  readonly values: readonly string[] | ListName;
}

interface Named {
  /** Without the prefix; ends in its unit, and a counter's in `_total`. */
  readonly name: string;
  readonly help: string;
}

export type Definition = Named &
  (
    | { readonly type: 'counter' | 'gauge'; readonly label?: Label }
    | { readonly type: 'histogram'; readonly buckets: readonly number[] }
    | { readonly type: 'info'; readonly labels: readonly string[] }
  );

/** From a loopback's tens of microseconds to what only a broken link takes. */
const ROUND_TRIP_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;
/** Dialling takes one round trip, with TLS two or three, and a whole second more for every SYN that was lost. */
const CONNECT_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** Live delivery takes well under a millisecond; catching up after a night takes hours of age. */
const AGE_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10, 60, 600, 3600,
] as const;
/** A timer of Node is a millisecond late by nature. */
const LAG_SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const METRICS = {
  connections: { name: 'connections', type: 'gauge', help: 'Connections that hold a slot now.' },
  connectionsLimit: { name: 'connections_limit', type: 'gauge', help: 'Slots for connections.' },
  connectionsAccepted: {
    name: 'connections_accepted_total',
    type: 'counter',
    help: 'Connections that were given a slot; each is in closes_total when it has ended.',
  },
  connectionsRejected: {
    name: 'connections_rejected_total',
    type: 'counter',
    help: 'Connections that were told to come back later. One that is reserved was turned away at its HELLO, and counts as accepted and closed as well; the others had no slot, and are in no other metric.',
    label: { name: 'reason', values: ['busy', 'per_ip', 'reserved', 'draining'] },
  },
  closes: {
    name: 'closes_total',
    type: 'counter',
    help: 'Ended connections, by their one cause; peer_gone is one lost without CLOSE.',
    label: { name: 'cause', values: 'causes' },
  },
  internalErrors: {
    name: 'internal_errors_total',
    type: 'counter',
    help: 'Faults of push-daemon itself that ended a connection; the log has each with its stack.',
  },
  framesReceived: {
    name: 'frames_received_total',
    type: 'counter',
    help: 'Whole, correct frames from accepted connections.',
    label: { name: 'type', values: 'frames' },
  },
  framesSent: {
    name: 'frames_sent_total',
    type: 'counter',
    help: 'Frames handed to the sockets of accepted connections.',
    label: { name: 'type', values: 'frames' },
  },
  bytesReceived: { name: 'bytes_received_total', type: 'counter', help: 'Bytes from accepted connections.' },
  bytesSent: {
    name: 'bytes_sent_total',
    type: 'counter',
    help: 'Bytes handed to the sockets of accepted connections.',
  },
  corruptFrames: {
    name: 'corrupt_frames_total',
    type: 'counter',
    help: 'Frames that were discarded: wrong checksum or illegal length.',
  },
  resyncBytes: {
    name: 'resync_bytes_total',
    type: 'counter',
    help: 'Bytes that were discarded until the next good frame.',
  },
  heartbeatConnections: {
    name: 'heartbeat_connections',
    type: 'gauge',
    help: 'Connections by how long they have been silent: under 2 intervals healthy, then jittery.',
    label: { name: 'class', values: ['healthy', 'jittery'] },
  },
  jitterEvents: {
    name: 'jitter_events_total',
    type: 'counter',
    help: 'Times that a connection was silent for more than 2 intervals.',
  },
  rtt: {
    name: 'rtt_seconds',
    type: 'histogram',
    help: 'Round trips of heartbeats.',
    buckets: ROUND_TRIP_SECONDS,
  },
  clientConnect: {
    name: 'client_connect_seconds',
    type: 'histogram',
    help: 'How long clients took to connect, as they say in HELLO; more than 130 s is not believed.',
    buckets: CONNECT_SECONDS,
  },
  recordsPublished: { name: 'records_published_total', type: 'counter', help: 'Records appended to topics.' },
  recordsDelivered: {
    name: 'records_delivered_total',
    type: 'counter',
    help: 'Records handed to the sockets of subscribers.',
  },
  duplicates: {
    name: 'duplicates_total',
    type: 'counter',
    help: 'Published records not appended, because their id was there already.',
  },
  gaps: {
    name: 'gaps_total',
    type: 'counter',
    help: 'GAP frames: ranges that a subscriber was told it will not get.',
    label: { name: 'reason', values: 'gapReasons' },
  },
  deliveryAge: {
    name: 'delivery_age_seconds',
    type: 'histogram',
    help: 'Time from the append of a record to its write to a socket.',
    buckets: AGE_SECONDS,
  },
  laggingCursors: {
    name: 'lagging_cursors',
    type: 'gauge',
    help: 'Subscriptions that stand behind the head of their topic.',
  },
  topics: { name: 'topics', type: 'gauge', help: 'Topics that exist.' },
  logBytes: {
    name: 'log_bytes',
    type: 'gauge',
    help: 'Memory held by the logs of all topics: what is retained, and what of their chunks is free or no longer retained.',
  },
  eventLoopLag: {
    name: 'event_loop_lag_seconds',
    type: 'histogram',
    help: 'How late a timer of the event loop fires, sampled ten times a second.',
    buckets: LAG_SECONDS,
  },
  buildInfo: {
    name: 'build_info',
    type: 'info',
    help: 'Always 1; the versions are the labels.',
    labels: ['version', 'node'],
  },
} as const satisfies { readonly [key: string]: Definition };

export type MetricKey = keyof typeof METRICS;
