import type { DuplicateWindow, TopicLog } from '../log/index.js';
import type { PendingFetch } from './fetch.js';
import type { Subscriber } from './subscriber.js';
import type { ExactSubscription, PatternSubscription } from './subscription.js';

/** All subscriptions to one pattern, and the topics that it covers. */
export interface PatternGroup {
  readonly pattern: string;
  readonly members: Map<Subscriber, PatternSubscription>;
  /** In the order of their serials. */
  readonly topics: Topic[];
}

/**
 * A topic: its log, and who listens. Subscribers that have been sent everything up to `sent` are *live* and have no
 * state here; the others have a cursor each.
 */
export class Topic {
  readonly name: string;
  readonly utf8: Uint8Array;
  /** Rises with every topic opened, so "every topic up to here" is one number. */
  readonly serial: number;
  readonly log: TopicLog;
  /** Made when the first record with an id comes. */
  window: DuplicateWindow | undefined;
  readonly exact = new Map<Subscriber, ExactSubscription>();
  /** The patterns that cover it. */
  readonly groups: Set<PatternGroup>;
  /** The next offset that live subscribers will be sent. */
  sent = 1;
  /** How many cursors stand in this topic. */
  cursors = 0;
  /** Fetches that have not been answered. */
  readonly fetches = new Set<PendingFetch>();
  /** Something was appended that live subscribers have not been sent. */
  dirty = false;

  constructor(name: string, serial: number, log: TopicLog, groups: Set<PatternGroup>) {
    this.name = name;
    this.utf8 = Buffer.from(name);
    this.serial = serial;
    this.log = log;
    this.groups = groups;
  }

  /** Nothing is retained and nobody listens by name: the topic can be forgotten. A pattern does not keep it. */
  get idle(): boolean {
    const empty = this.log.first > this.log.head;
    return empty && !this.dirty && this.exact.size === 0 && this.cursors === 0 && this.fetches.size === 0;
  }
}
