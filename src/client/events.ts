import type { CloseName, GapReason } from '../wire/index.js';
import type { ClientError } from './errors.js';

/** A place in a topic's history: the next offset to be read. Keep both: offsets mean nothing without their epoch. */
export interface TopicPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** A record, as it was published. */
export interface TopicMessage {
  readonly type: 'message';
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  /** A view of the memory that was received into: copy it if you keep a little of a lot for long. */
  readonly data: Uint8Array;
  readonly key: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The publisher's id of this record, or one that its client made; empty: none. */
  readonly id: Uint8Array;
  /** The daemon's wall clock when it appended the record, in microseconds since 1970; never falls within a topic. */
  readonly timestampUs: number;
}

export type GapReasonName = keyof typeof GapReason;

/**
 * Records that will not be delivered: `fromOffset` to `toOffset`, both inclusive. It stands in the stream where they
 * would have stood. `toOffset` below `fromOffset` means that none are known to be missing.
 *
 * - `EVICTED`: retention took them before they could be sent.
 * - `SKIPPED`, `CONFLATED`: left out as `onLag` asked.
 * - `EPOCH_CHANGED`: the topic's history was lost, and what follows is another one: earlier positions are void, and
 *   records may come that are copies of earlier ones. So it is, too, where a server remembers less than this client
 *   has received already.
 * - `CORRUPT`: they could not be read, or never arrived undamaged.
 */
export interface TopicGap {
  readonly type: 'gap';
  readonly topic: string;
  readonly epoch: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly reason: GapReasonName;
}

export type TopicEvent = TopicMessage | TopicGap;

/** Where the server has taken up a topic; for a pattern itself, epoch '' and offset 0. */
export interface TopicStart extends TopicPosition {
  readonly topic: string;
}

/** What became of one published record. */
export interface PublishResult {
  readonly epoch: string;
  readonly offset: number;
  /** The topic had a record with this id already, at `offset`; be it from an earlier attempt of this very publish. */
  readonly duplicate: boolean;
}

/** Why a link was lost; `PEER_GONE`: without a word, or it never came to be. */
export type LinkCause = CloseName | 'PEER_GONE' | 'UNKNOWN';

/** What happens to the link of a client. `attempt` counts the tries since a link was last stable, from 0. */
export type LinkEvent =
  | { readonly type: 'connecting'; readonly endpoint: string; readonly attempt: number }
  | {
      readonly type: 'connected';
      readonly endpoint: string;
      readonly connectionId: string;
      readonly server: string;
      /** How long dialling took. */
      readonly connectMs: number;
      /** Did this client have a link before? */
      readonly resumed: boolean;
    }
  | { readonly type: 'disconnected'; readonly cause: LinkCause; readonly reason: string; readonly retryInMs: number }
  | { readonly type: 'closed'; readonly error: ClientError | undefined };
