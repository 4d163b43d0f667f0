import type { DuplicateWindow, TopicLog } from '../log/index.js';
import type { PendingFetch } from './fetch.js';
import { NO_GROUPS, type PatternGroup } from './pattern-table.js';
import type { Subscriber } from './subscriber.js';
import type { ExactSubscription } from './subscription.js';

/**
 * A topic: its log, and who listens. Subscribers that have been sent everything up to `sent` are *live* and have no
 * state here; the others have a cursor each.
 */
export class Topic {
  readonly name: string;
  readonly utf8: Uint8Array;
  /**
   * Rises with every topic that has its first record, so "every topic up to here" is one number. 0: it has had none, and
   * is there only for those who named it; no pattern covers it.
   */
  serial = 0;
  readonly log: TopicLog;
  /** Made when the first record with an id comes. */
  window: DuplicateWindow | undefined;
  readonly exact = new Map<Subscriber, ExactSubscription>();
  /** The patterns that cover it, and those that did; undefined: to be looked up, see `PatternTable`. */
  groups: ReadonlySet<PatternGroup> | undefined = NO_GROUPS;
  /** The next offset that live subscribers will be sent. */
  sent = 1;
  /** How many cursors stand in this topic. */
  cursors = 0;
  /** Fetches that have not been answered. */
  readonly fetches = new Set<PendingFetch>();
  /** Something was appended that live subscribers have not been sent. */
  dirty = false;

  constructor(name: string, log: TopicLog) {
    this.name = name;
    this.utf8 = Buffer.from(name);
    this.log = log;
  }

  /** Nothing is retained and nobody listens by name. A pattern does not keep it, but the ids that it has had do. */
  get idle(): boolean {
    const empty = this.log.first > this.log.head;
    return empty && !this.dirty && this.exact.size === 0 && this.cursors === 0 && this.fetches.size === 0;
  }

  /** The ids of its records are remembered, so that what is published again is found to be. */
  get hasIds(): boolean {
    return this.window !== undefined && this.window.size > 0;
  }
}
