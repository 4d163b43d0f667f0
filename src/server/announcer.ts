import { Start } from '../wire/index.js';
import { begin, confirm } from './begin.js';
import { BACKLOG_BYTES_PER_TURN, LOOK_BYTES } from './limits.js';
import { offsetInFuture } from './start.js';
import type { Subscriber } from './subscriber.js';
import type { PatternSubscription, StartAt } from './subscription.js';
import type { Topic } from './topic.js';

/** One look for the next topic to be announced: what it cost, and the topic if it found one. */
interface Look {
  readonly cost: number;
  readonly topic: Topic | undefined;
}

/**
 * Tells a subscriber of the topics that its patterns cover: those that are there when it subscribes, and those that come
 * up later. Only what the client has been told of is sent to it, so that it always knows where it stands. A client that
 * does not take what it is told costs a number for each pattern, and the serials of the topics of one.
 */
export class Announcer {
  readonly #subscriber: Subscriber;
  /** Subscriptions with topics that the client has not been told of, and the way through those. */
  readonly #behind = new Map<PatternSubscription, Iterator<Look>>();

  constructor(subscriber: Subscriber) {
    this.#subscriber = subscriber;
  }

  /** Is there a topic that the client has not been told of? */
  get owed(): boolean {
    return this.#behind.size > 0;
  }

  /** There is a new subscription. */
  add(subscription: PatternSubscription): void {
    this.#behind.set(subscription, this.#unannounced(subscription));
  }

  /** A topic has come up. Of all before it the client has been told, if it is not being told just now. */
  cameUp(subscription: PatternSubscription, topic: Topic): void {
    if (this.#behind.has(subscription)) return;
    subscription.announced = topic.serial - 1;
    this.add(subscription);
  }

  drop(subscription: PatternSubscription): void {
    this.#behind.delete(subscription);
  }

  /** Announces as many topics as the link has room for. Returns about how many bytes that took, or was worth. */
  advance(): number {
    const { out } = this.#subscriber;
    let bytes = 0;
    for (const [subscription, looks] of this.#behind) {
      for (;;) {
        if (out.full || out.clogged || bytes >= BACKLOG_BYTES_PER_TURN) return bytes;
        const look = looks.next();
        if (look.done === true) break;
        const { cost, topic } = look.value;
        bytes += cost * LOOK_BYTES;
        if (topic === undefined) continue;
        this.#announce(subscription, topic);
        subscription.announced = topic.serial;
        bytes += topic.utf8.length;
      }
      this.#behind.delete(subscription);
    }
    return bytes;
  }

  /** First the topics that there are, found by their names; then those that came up meanwhile, one after another. */
  *#unannounced(subscription: PatternSubscription): Generator<Look, void> {
    const { topics } = this.#subscriber.delivery;
    const { group, searched } = subscription;
    if (subscription.announced === 0) {
      const until = topics.serial;
      const { serials, cost } = topics.covered(group.pattern);
      searched(cost);
      yield { cost, topic: undefined };
      for (const serial of serials) yield { cost: 1, topic: topics.listed(serial) };
      subscription.announced = until;
    }
    while (subscription.announced < topics.serial) {
      const serial = subscription.announced + 1;
      const topic = topics.listed(serial);
      const isCovered = topic !== undefined && topics.patterns.covering(topic).has(group);
      yield { cost: 1, topic: isCovered ? topic : undefined };
      subscription.announced = serial;
    }
  }

  #announce(subscription: PatternSubscription, topic: Topic): void {
    const { requestId, onLag, group } = subscription;
    this.#subscriber.delivery.topics.patterns.link(topic, group);
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
