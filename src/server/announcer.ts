import { Start } from '../wire/index.js';
import { begin, confirm } from './begin.js';
import { offsetInFuture } from './start.js';
import type { Subscriber } from './subscriber.js';
import type { PatternSubscription, StartAt } from './subscription.js';
import type { Topic } from './topic.js';
import { firstAfter } from './topic-table.js';

/**
 * Tells a subscriber of the topics that its patterns cover: those that are there when it subscribes, and those that come
 * up later. Only what the client has been told of is sent to it, so that it always knows where it stands.
 */
export class Announcer {
  readonly #subscriber: Subscriber;
  /** Subscriptions with topics that the client has not been told of. */
  readonly #behind = new Set<PatternSubscription>();

  constructor(subscriber: Subscriber) {
    this.#subscriber = subscriber;
  }

  /** Is there a topic that the client has not been told of? */
  get owed(): boolean {
    return this.#behind.size > 0;
  }

  add(subscription: PatternSubscription): void {
    this.#behind.add(subscription);
  }

  drop(subscription: PatternSubscription): void {
    this.#behind.delete(subscription);
  }

  /** Announces as many topics as the link has room for. Returns about how many bytes that took. */
  advance(): number {
    const { out } = this.#subscriber;
    let bytes = 0;
    for (const subscription of this.#behind) {
      const { topics } = subscription.group;
      for (let i = firstAfter(topics, subscription.announced); i < topics.length; i++) {
        if (out.full || out.clogged) return bytes;
        const topic = topics[i] as Topic;
        this.#announce(subscription, topic);
        subscription.announced = topic.serial;
        bytes += topic.utf8.length;
      }
      this.#behind.delete(subscription);
    }
    return bytes;
  }

  #announce(subscription: PatternSubscription, topic: Topic): void {
    const { requestId, onLag } = subscription;
    if (this.#subscriber.listensTo(topic)) return confirm(this.#subscriber, topic, requestId);
    const at = startIn(subscription, topic);
    if (begin(this.#subscriber, topic, requestId, onLag, at)) return;
    this.#subscriber.out.control(offsetInFuture(requestId, topic.name));
    begin(this.#subscriber, topic, requestId, onLag, { ...at, start: Start.LATEST });
  }
}

/** Where a pattern subscription begins in one topic. A position serves once: the next topic of that name is another. */
function startIn({ positions, startAt, since }: PatternSubscription, topic: Topic): StartAt {
  const position = positions.get(topic.name);
  if (position === undefined) return topic.serial > since ? { ...startAt, start: Start.EARLIEST } : startAt;
  positions.delete(topic.name);
  return { ...startAt, start: Start.POSITION, epoch: position.epoch, offset: position.offset };
}
