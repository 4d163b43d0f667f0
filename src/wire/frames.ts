/**
 * What the sixteen frames hold, as values. The numbers are `proto/push.proto`'s and are fixed: other programs are
 * written against them.
 *
 * 64-bit fields are `number` here, because offsets and microseconds stay below 2^53 by design (a larger one on the
 * wire makes the payload undecodable), except in PING and PONG, whose fields are the sender's own affair and must be
 * echoed to the last bit.
 */

export const WIRE_VERSION = 1;

/** The number of each frame in the `Frame` oneof. */
export const FrameType = {
  hello: 1,
  welcome: 2,
  ping: 3,
  pong: 4,
  subscribe: 5,
  subscribed: 6,
  unsubscribe: 7,
  unsubscribed: 8,
  publish: 9,
  ack: 10,
  messages: 11,
  gap: 12,
  fetch: 13,
  fetched: 14,
  error: 15,
  close: 16,
} as const;
export type FrameName = keyof typeof FrameType;

/** Where a subscription or a fetch begins. */
export const Start = { LATEST: 0, EARLIEST: 1, POSITION: 2, LAST_N: 3, SINCE: 4 } as const;
export type Start = (typeof Start)[keyof typeof Start];

/** What happens to a subscription that falls behind. */
export const OnLag = { WAIT: 0, SKIP: 1, LATEST_PER_KEY: 2, DISCONNECT: 3 } as const;
export type OnLag = (typeof OnLag)[keyof typeof OnLag];

/** Why records of a range are not delivered. 0 is not sent. */
export const GapReason = { EVICTED: 1, SKIPPED: 2, EPOCH_CHANGED: 3, CONFLATED: 4, CORRUPT: 5 } as const;
export type GapReason = (typeof GapReason)[keyof typeof GapReason];

/** The most records that one `publish` or `messages` frame may hold. */
export const BATCH_RECORDS_MAX = 4096;
/** The longest `Record.id`, in bytes. */
export const RECORD_ID_BYTES_MAX = 64;
/**
 * Positions that a server keeps at a time for all patterns of a connection: 2 MB with names of 30 bytes. Past it the
 * SUBSCRIBE is refused with TOO_MANY_SUBSCRIPTIONS, so a client shares them out among its patterns.
 */
export const POSITIONS_MAX = 20_000;

export interface Record {
  readonly data: Uint8Array;
  /** At most 64 bytes; empty: no duplicate check. */
  readonly id: Uint8Array;
  readonly key: string;
  /** A Map, not an object: `__proto__` is a name like any other. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A place in a topic's history. Offsets mean nothing without the epoch, which changes whenever history is lost. */
export interface Position {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
}

export interface AckResult {
  readonly offset: number;
  readonly duplicate: boolean;
}

export interface Hello {
  readonly type: 'hello';
  readonly version: number;
  readonly client: string;
  readonly token: string;
  readonly heartbeatMs: number;
  readonly connectMs: number;
  readonly attempt: number;
  readonly resuming: boolean;
}

export interface Welcome {
  readonly type: 'welcome';
  readonly version: number;
  readonly connectionId: string;
  readonly server: string;
  readonly heartbeatMs: number;
  readonly maxPayload: number;
  readonly principal: string;
}

export interface Ping {
  readonly type: 'ping';
  readonly nonce: bigint;
  readonly sentUs: bigint;
  /** The sender's last measured round trip; 0: none yet. */
  readonly rttUs: number;
}

export interface Pong {
  readonly type: 'pong';
  readonly nonce: bigint;
  readonly sentUs: bigint;
}

export interface Subscribe {
  readonly type: 'subscribe';
  readonly requestId: number;
  readonly topic: string;
  readonly start: Start;
  readonly epoch: string;
  readonly offset: number;
  readonly lastN: number;
  readonly sinceUs: number;
  readonly onLag: OnLag;
  readonly positions: readonly Position[];
}

export interface Subscribed {
  readonly type: 'subscribed';
  readonly requestId: number;
  readonly topic: string;
  readonly epoch: string;
  /** The first that will be sent. */
  readonly nextOffset: number;
  /** The last appended; 0: none yet. */
  readonly headOffset: number;
}

export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly requestId: number;
  readonly topic: string;
}

export interface Unsubscribed {
  readonly type: 'unsubscribed';
  readonly requestId: number;
  readonly topic: string;
}

export interface Publish {
  readonly type: 'publish';
  readonly requestId: number;
  readonly topic: string;
  readonly records: readonly Record[];
}

export interface Ack {
  readonly type: 'ack';
  readonly requestId: number;
  readonly epoch: string;
  readonly baseOffset: number;
  /** One for each record of the batch, in order; only when the batch held duplicates. */
  readonly results: readonly AckResult[];
}

export interface Messages {
  readonly type: 'messages';
  readonly topic: string;
  readonly baseOffset: number;
  /** The offset of the record before `baseOffset` in this topic; 0: none, or unknown. */
  readonly prevOffset: number;
  /** The daemon's wall clock at the append; never falling within a topic. */
  readonly timestampUs: number;
  readonly records: readonly Record[];
}

export interface Gap {
  readonly type: 'gap';
  readonly topic: string;
  readonly epoch: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly reason: GapReason;
}

export interface Fetch {
  readonly type: 'fetch';
  readonly requestId: number;
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly waitMs: number;
  readonly start: Start;
}

export interface Fetched {
  readonly type: 'fetched';
  readonly requestId: number;
  readonly epoch: string;
  readonly nextOffset: number;
  readonly more: boolean;
}

export interface ErrorFrame {
  readonly type: 'error';
  readonly requestId: number;
  readonly code: number;
  readonly message: string;
}

export interface Close {
  readonly type: 'close';
  readonly code: number;
  readonly reason: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number;
  readonly endpoint: string;
}

export type Frame =
  | Hello
  | Welcome
  | Ping
  | Pong
  | Subscribe
  | Subscribed
  | Unsubscribe
  | Unsubscribed
  | Publish
  | Ack
  | Messages
  | Gap
  | Fetch
  | Fetched
  | ErrorFrame
  | Close;

/** The frames that a client may send. */
export type ClientFrame = Hello | Ping | Pong | Subscribe | Unsubscribe | Publish | Fetch | Close;
/** The frames that a server may send. */
export type ServerFrame = Exclude<Frame, Hello | Subscribe | Unsubscribe | Publish | Fetch>;
