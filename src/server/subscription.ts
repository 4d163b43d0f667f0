import type { OnLag, Start } from '../wire/index.js';
import type { PatternGroup } from './pattern-table.js';
import type { Topic } from './topic.js';

export interface ExactSubscription {
  readonly kind: 'exact';
  readonly topic: Topic;
  readonly onLag: OnLag;
}

/** How a subscriber wants to begin in a topic. */
export interface StartAt {
  readonly start: Start;
  readonly epoch: string;
  readonly offset: number;
  readonly lastN: number;
  readonly sinceUs: number;
}

export interface PatternSubscription {
  readonly kind: 'pattern';
  readonly group: PatternGroup;
  readonly requestId: number;
  readonly onLag: OnLag;
  readonly startAt: StartAt;
  /** Where to resume in the topics that the client knows, by name; an entry goes when its topic is announced. */
  readonly positions: Map<string, PlaceKnown>;
  /** Topics listed after this serial came up later, and are sent from their beginning. */
  readonly since: number;
  /** The serial of the last topic that the client was told of, 0 before that: nothing of a later one may be sent. */
  announced: number;
  /** Is told how many names were looked at to find the topics that there are. */
  readonly searched: (cost: number) => void;
}

/** The epoch of a position that is not of the present one: what it was does not matter, and takes no memory. */
export const ANOTHER_EPOCH = 'another';

/** A position as it is kept: with the topic's own epoch, or `ANOTHER_EPOCH`. */
export interface PlaceKnown {
  readonly epoch: string;
  readonly offset: number;
}

export type Subscription = ExactSubscription | PatternSubscription;

/** The place of a subscriber that is not live in a topic. */
export interface Cursor {
  readonly topic: Topic;
  /** The next offset to be sent. */
  offset: number;
  readonly onLag: OnLag;
  /** How many bytes it may be behind before `onLag` acts. More than the limit for those who asked for history. */
  readonly allowance: number;
  /** Up to here, only the newest record of each key is sent. */
  conflateUntil: number;
}
