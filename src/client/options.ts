import { fields, oneOf, optional, optionalSignal, patience, refuse, text, whole } from './checks.js';
import { parseEndpoint } from './endpoint.js';
import { type From, from, ON_LAG, type OnLagName, UINT32_MAX } from './start.js';

export interface ConnectOptions {
  /** `host:port` of the daemon, or of several that share one history. */
  readonly servers: string | readonly string[];
  /** How the client calls itself in the server's log lines and status, in at most 256 bytes. Default: empty. */
  readonly name?: string | undefined;
  /** Closes the client at once, without waiting for what is pending. */
  readonly signal?: AbortSignal | undefined;
  /** Records that may wait to be acknowledged. Default: 65,536. */
  readonly maxPendingRecords?: number | undefined;
  /** Bytes that may wait to be acknowledged. Default: 32 MiB. */
  readonly maxPendingBytes?: number | undefined;
}

export interface PublishOptions {
  /** Gives the publish up with ABORTED. If it was sent already, it may be in the topic all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface SubscribeOptions {
  /** Where to begin; after that it goes on by itself where it was. Default: `latest`. */
  readonly from?: From | undefined;
  /** What the server does when this client falls behind. Default: `wait`, which loses nothing within retention. */
  readonly onLag?: OnLagName | undefined;
  /** Ends the subscription: what was not taken is forgotten, and the iteration throws ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Events that may wait for the application. Default: 1,024. */
  readonly bufferRecords?: number | undefined;
  /** Bytes that may wait for the application: data, keys, ids and headers. Default: 4 MiB. */
  readonly bufferBytes?: number | undefined;
}

export interface FetchOptions {
  /** Where to begin; `since` and `positions` are for subscriptions. Default: `earliest`. */
  readonly from?: From | undefined;
  /** About how many records, because whole batches are sent. Default: 0, what the server gives at once. */
  readonly maxRecords?: number | undefined;
  /** About how many bytes. Default: 0, what the server gives at once. */
  readonly maxBytes?: number | undefined;
  /** How long the server may wait for a record if there is none. Default: 0. */
  readonly waitMs?: number | undefined;
  /** Gives the fetch up with ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

export interface CloseOptions {
  /** How long publishes that are pending may still be sent and acknowledged; Infinity: without end. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
}

type Defaults<T> = Required<Omit<T, 'servers' | 'signal'>>;

/** What holds where nothing is said. */
export const DEFAULTS = {
  /** A few seconds of a busy publisher, so that a reconnect is not noticed, and no more than a process can spare. */
  connect: {
    name: '',
    maxPendingRecords: 65_536,
    maxPendingBytes: 32 * 1024 * 1024,
  } satisfies Defaults<ConnectOptions>,
  /** A round trip's worth at a high rate; a slow application is better held up by the daemon's log than by memory. */
  subscribe: {
    from: 'latest',
    onLag: 'wait',
    bufferRecords: 1_024,
    bufferBytes: 4 * 1024 * 1024,
  } satisfies Defaults<SubscribeOptions>,
  fetch: { from: 'earliest', maxRecords: 0, maxBytes: 0, waitMs: 0 } satisfies Defaults<FetchOptions>,
  /** Long enough for a reconnect in between, short enough for whoever waits for a process to end. */
  close: { timeoutMs: 5_000 } satisfies Defaults<CloseOptions>,
} as const;

/** As much of a client's name as a server keeps. */
const NAME_BYTES_MAX = 256;

/** One or several `host:port`, as a list. */
function servers(value: unknown, name: string): readonly string[] {
  const endpoints: unknown = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(endpoints) || endpoints.length === 0) return refuse(value, name, 'host:port, or a list of them');
  for (const endpoint of endpoints) {
    if (typeof endpoint !== 'string' || parseEndpoint(endpoint) === undefined) refuse(endpoint, name, 'host:port');
  }
  return [...endpoints];
}

const ofConnect = fields({
  servers,
  name: optional(text(0, NAME_BYTES_MAX), DEFAULTS.connect.name),
  signal: optionalSignal,
  maxPendingRecords: optional(whole(1), DEFAULTS.connect.maxPendingRecords),
  maxPendingBytes: optional(whole(1), DEFAULTS.connect.maxPendingBytes),
});
const ofPublish = fields({ signal: optionalSignal });
const ofSubscribe = fields({
  from: optional(from, DEFAULTS.subscribe.from),
  onLag: optional(oneOf(Object.keys(ON_LAG) as OnLagName[]), DEFAULTS.subscribe.onLag),
  signal: optionalSignal,
  bufferRecords: optional(whole(1), DEFAULTS.subscribe.bufferRecords),
  bufferBytes: optional(whole(1), DEFAULTS.subscribe.bufferBytes),
});
const ofFetch = fields({
  from: optional(from, DEFAULTS.fetch.from),
  maxRecords: optional(whole(0, UINT32_MAX), DEFAULTS.fetch.maxRecords),
  maxBytes: optional(whole(0, UINT32_MAX), DEFAULTS.fetch.maxBytes),
  waitMs: optional(whole(0, UINT32_MAX), DEFAULTS.fetch.waitMs),
  signal: optionalSignal,
});
const ofClose = fields({ timeoutMs: optional(patience, DEFAULTS.close.timeoutMs) });

// Each throws INVALID_ARGUMENT, or returns the options with what was left out.

export const connectOptions = (given: unknown) => ofConnect(given, 'options');
export const publishOptions = (given: unknown) => ofPublish(given, 'options');
export const subscribeOptions = (given: unknown) => ofSubscribe(given, 'options');
export const fetchOptions = (given: unknown) => ofFetch(given, 'options');
export const closeOptions = (given: unknown) => ofClose(given, 'options');
