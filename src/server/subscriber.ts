import { type GapReason, OnLag } from '../wire/index.js';
import { Announcer } from './announcer.js';
import { advanceCursor } from './backlog.js';
import { begin, confirm } from './begin.js';
import type { Conflator } from './conflator.js';
import type { Contained } from './containment.js';
import type { Environment } from './environment.js';
import type { Fanout } from './fanout.js';
import type { PendingFetch } from './fetch.js';
import type { Outbox } from './outbox.js';
import type { Cursor, ExactSubscription, PatternSubscription, StartAt, Subscription } from './subscription.js';
import type { Topic } from './topic.js';
import type { TopicTable } from './topic-table.js';

/** What all subscribers share. */
export interface Delivery {
  readonly env: Environment;
  readonly topics: TopicTable;
  readonly fanout: Fanout;
  readonly conflator: Conflator;
  /** How many bytes a subscription may be behind before an `on_lag` other than WAIT acts. */
  lagLimit: number;
}

/** What a subscriber asks of its connection. */
interface SubscriberOwner extends Contained {
  /** Writes what the outbox holds. */
  flush(): void;
  /** Ends the connection with SLOW_CONSUMER. */
  disconnect(reason: string): void;
}

/** A connection as the topics see it: what it listens to, and where it is behind. */
export class Subscriber implements Contained {
  readonly out: Outbox;
  readonly delivery: Delivery;
  readonly subscriptions = new Map<string, Subscription>();
  /** One for each topic in which it is not live. */
  readonly cursors = new Map<Topic, Cursor>();
  readonly fetches = new Map<Topic, PendingFetch>();
  readonly #announcer = new Announcer(this);
  readonly #owner: SubscriberOwner;
  /**
   * Marks of the fan-out: which visit saw it last, and whether a flush has gathered data for it. They are the fan-out's
   * own, and here because it asks for each subscriber in each flush: a set of those seen costs six times as much.
   */
  stamp = 0;
  gathering = false;

  constructor(out: Outbox, delivery: Delivery, owner: SubscriberOwner) {
    this.out = out;
    this.delivery = delivery;
    this.#owner = owner;
  }

  /** Is there anything that it has not been sent, as far as is known without looking? */
  get owed(): boolean {
    return this.cursors.size > 0 || this.#announcer.owed || this.fetches.size > 0;
  }

  flush(): void {
    this.gathering = false;
    this.#owner.flush();
  }

  disconnect(reason: string): void {
    this.#owner.disconnect(reason);
  }

  failed(error: unknown): void {
    this.#owner.failed(error);
  }

  /** Listens to one topic. False: the position asked for is beyond the head. */
  subscribe(topic: Topic, requestId: number, onLag: OnLag, startAt: StartAt): boolean {
    if (this.listensTo(topic)) confirm(this, topic, requestId);
    else if (!begin(this, topic, requestId, onLag, startAt)) return false;
    const subscription: ExactSubscription = { kind: 'exact', topic, onLag };
    this.subscriptions.set(topic.name, subscription);
    topic.exact.set(this, subscription);
    this.wake();
    return true;
  }

  /** Listens to all topics of a pattern, those that exist and those that come up later. */
  subscribePattern(subscription: PatternSubscription): void {
    const { group } = subscription;
    this.subscriptions.set(group.pattern, subscription);
    group.members.set(this, subscription);
    this.out.inOrder({
      type: 'subscribed',
      requestId: subscription.requestId,
      topic: group.pattern,
      epoch: '',
      nextOffset: 0,
      headOffset: 0,
    });
    this.#announcer.add(subscription);
    this.wake();
  }

  /** A topic of the pattern has come up. Whoever listens to it by name too is sent nothing of it ahead of that. */
  announce(subscription: PatternSubscription, topic: Topic): void {
    this.#announcer.cameUp(subscription, topic);
    if (topic.exact.has(this) && !this.cursors.has(topic)) this.fallBehind(topic);
    this.wake();
  }

  /** Are there topics that the client has to be told of before it is sent what its cursors owe it? */
  get announcing(): boolean {
    return this.#announcer.owed;
  }

  /** Ends one of its subscriptions. What another one covers goes on. */
  unsubscribe(name: string, subscription: Subscription): void {
    this.#remove(name, subscription);
    const topics = subscription.kind === 'exact' ? [subscription.topic] : this.cursors.keys();
    for (const topic of topics) if (!this.listensTo(topic)) this.catchUp(topic);
  }

  /** Answers the fetches that wait for an append, as if their time was up. */
  endWaits(): void {
    for (const fetch of this.fetches.values()) fetch.expire();
  }

  /** The connection is gone: everything that it has is given back. */
  leave(): void {
    for (const fetch of this.fetches.values()) fetch.cancel();
    for (const topic of [...this.cursors.keys()]) this.catchUp(topic);
    for (const [name, subscription] of this.subscriptions) this.#remove(name, subscription);
    this.delivery.fanout.drop(this);
  }

  wake(): void {
    if (!this.out.full) this.delivery.fanout.wake(this);
  }

  /** It was live, and its link is full: from now on it has a cursor. */
  fallBehind(topic: Topic): void {
    this.place(topic, topic.sent, this.#onLag(topic), this.delivery.lagLimit);
  }

  /** It has been sent all that there is, or does not want it any more: the cursor goes. */
  catchUp(topic: Topic): void {
    const cursor = this.cursors.get(topic);
    if (cursor === undefined) return;
    this.cursors.delete(topic);
    topic.cursors -= 1;
    this.delivery.topics.releaseTopic(topic);
  }

  /** Names what it will not be sent, in its place among the data. Returns the bytes gathered. */
  declareGap(topic: Topic, fromOffset: number, toOffset: number, reason: GapReason): number {
    this.delivery.env.telemetry.gap(reason);
    return this.out.inOrder({ type: 'gap', topic: topic.name, epoch: topic.log.epoch, fromOffset, toOffset, reason });
  }

  countDelivered(records: number, frames: number, timestampUs: number): void {
    const { clock, telemetry } = this.delivery.env;
    telemetry.delivered(records, frames, Math.max(0, clock.wallUs() - timestampUs) / 1e6);
  }

  /** Sends what it is owed, at most about `budget` bytes and what the link takes. Returns how many bytes it was sent. */
  advance(budget: number): number {
    let sent = this.#announcer.advance();
    // Ahead of the cursors, for what those are behind may be as much as is retained, and an answer is a bounded part.
    for (const fetch of this.fetches.values()) {
      if (this.out.full || sent >= budget) break;
      sent += fetch.advance();
    }
    for (const [topic, cursor] of this.cursors) {
      if (this.out.full || sent >= budget || this.announcing) break;
      const bytes = advanceCursor(this, cursor);
      sent += bytes;
      // Behind the others, so that each topic has its turn; in the end the cursor is gone or nothing was sent.
      if (bytes > 0 && this.cursors.delete(topic)) this.cursors.set(topic, cursor);
    }
    this.flush();
    return sent;
  }

  /** It goes on from here, at its own pace. `allowance`: how many bytes it may be behind before `onLag` acts. */
  place(topic: Topic, offset: number, onLag: OnLag, allowance: number): void {
    this.cursors.set(topic, { topic, offset, onLag, allowance, conflateUntil: 0 });
    topic.cursors += 1;
  }

  #remove(name: string, subscription: Subscription): void {
    this.subscriptions.delete(name);
    switch (subscription.kind) {
      case 'exact':
        subscription.topic.exact.delete(this);
        this.delivery.topics.releaseTopic(subscription.topic);
        break;
      case 'pattern':
        subscription.group.members.delete(this);
        this.#announcer.drop(subscription);
        this.delivery.topics.patterns.release(subscription.group);
        break;
    }
  }

  /** The pattern subscription that covers the topic and has been announced, if there is one. */
  #pattern(topic: Topic): PatternSubscription | undefined {
    for (const group of this.delivery.topics.patterns.covering(topic)) {
      const subscription = group.members.get(this);
      if (subscription !== undefined && subscription.announced >= topic.serial) return subscription;
    }
    return undefined;
  }

  /** Does a subscription of this connection cover the topic, as far as the client has been told? */
  listensTo(topic: Topic): boolean {
    return topic.exact.has(this) || this.#pattern(topic) !== undefined;
  }

  /** What the client asked for if it falls behind here; the subscription by name decides, if there is one. */
  #onLag(topic: Topic): OnLag {
    return (topic.exact.get(this) ?? this.#pattern(topic))?.onLag ?? OnLag.WAIT;
  }
}
