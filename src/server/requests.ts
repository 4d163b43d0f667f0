import { isPattern, patternFault, topicFault } from '../log/index.js';
import { type TimerWheel, TokenBucket } from '../session/index.js';
import { CODES, type CodeName, type Fetch, type Subscribe, type Unsubscribe } from '../wire/index.js';
import { beginFetch } from './fetch.js';
import { COVERED_TOPICS_MAX, SUBSCRIPTION_CHANGES_PER_SECOND, TOPICS_PER_CHANGE } from './limits.js';
import { offsetInFuture } from './start.js';
import type { Subscriber } from './subscriber.js';
import type { Subscription } from './subscription.js';

/** Grants or refuses what one client asks for. A refusal fails the request; the connection lives. */
export class Requests {
  readonly subscriber: Subscriber;
  readonly #maxSubscriptions: number;
  readonly #wheel: TimerWheel;
  readonly #changes: TokenBucket;

  constructor(subscriber: Subscriber, maxSubscriptions: number, wheel: TimerWheel, nowMs: number) {
    this.subscriber = subscriber;
    this.#maxSubscriptions = maxSubscriptions;
    this.#wheel = wheel;
    // A client that comes back asks for all it had at once, and may.
    const burst = maxSubscriptions + SUBSCRIPTION_CHANGES_PER_SECOND;
    this.#changes = new TokenBucket(SUBSCRIPTION_CHANGES_PER_SECOND, burst, nowMs);
  }

  subscribe(request: Subscribe, nowMs: number): void {
    const { requestId, topic: name } = request;
    const { subscriptions, delivery } = this.subscriber;
    if (!this.#changes.take(nowMs)) return this.#tooFast(requestId);
    const fault = isPattern(name) ? patternFault(name) : topicFault(name);
    if (fault !== undefined) return this.#refuse(requestId, 'BAD_TOPIC', fault);
    if (subscriptions.has(name)) return this.#refuse(requestId, 'ALREADY_SUBSCRIBED', `${name} is subscribed to`);
    if (subscriptions.size >= this.#maxSubscriptions) {
      return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', `no more than ${this.#maxSubscriptions} subscriptions`);
    }
    if (isPattern(name)) return this.#subscribePattern(request);
    const topic = delivery.topics.open(name);
    if (topic === undefined) return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', 'the limit of topics is reached');
    if (!this.subscriber.subscribe(topic, requestId, request.onLag, request)) {
      this.subscriber.out.control(offsetInFuture(requestId, name));
      delivery.topics.releaseTopic(topic);
    }
  }

  unsubscribe({ requestId, topic }: Unsubscribe, nowMs: number): void {
    if (!this.#changes.take(nowMs)) return this.#tooFast(requestId);
    const subscription = this.subscriber.subscriptions.get(topic);
    if (subscription === undefined) {
      return this.#refuse(requestId, 'UNKNOWN_SUBSCRIPTION', 'there is no such subscription');
    }
    this.#changes.charge(coverage(subscription) / TOPICS_PER_CHANGE);
    this.subscriber.unsubscribe(topic, subscription);
    this.subscriber.out.inOrder({ type: 'unsubscribed', requestId, topic });
  }

  fetch(request: Fetch): void {
    const { requestId, topic: name } = request;
    const fault = topicFault(name);
    if (fault !== undefined) return this.#refuse(requestId, 'BAD_TOPIC', fault);
    const { topics } = this.subscriber.delivery;
    const topic = topics.open(name);
    if (topic === undefined) return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', 'the limit of topics is reached');
    const error = beginFetch(this.subscriber, topic, request, this.#wheel);
    if (error === undefined) return;
    this.subscriber.out.control(error);
    topics.releaseTopic(topic);
  }

  #subscribePattern(request: Subscribe): void {
    const { topics } = this.subscriber.delivery;
    const group = topics.group(request.topic);
    this.#changes.charge(group.topics.length / TOPICS_PER_CHANGE);
    let covered = group.topics.length;
    for (const subscription of this.subscriber.subscriptions.values()) covered += coverage(subscription);
    if (covered > COVERED_TOPICS_MAX) {
      topics.releaseGroup(group);
      const reason = `no more than ${COVERED_TOPICS_MAX} topics covered by patterns`;
      return this.#refuse(request.requestId, 'TOO_MANY_SUBSCRIPTIONS', reason);
    }
    const { start, epoch, offset, lastN, sinceUs } = request;
    this.subscriber.subscribePattern({
      kind: 'pattern',
      group,
      requestId: request.requestId,
      onLag: request.onLag,
      startAt: { start, epoch, offset, lastN, sinceUs },
      positions: new Map(request.positions.map((position) => [position.topic, position])),
      since: topics.serial,
      announced: 0,
    });
  }

  #tooFast(requestId: number): void {
    this.#refuse(requestId, 'RATE_LIMITED', `no more than ${SUBSCRIPTION_CHANGES_PER_SECOND} changes a second`);
  }

  #refuse(requestId: number, name: CodeName, message: string): void {
    this.subscriber.out.control({ type: 'error', requestId, code: CODES[name].code, message });
  }
}

/** How many topics a subscription is linked to besides one. */
const coverage = (subscription: Subscription): number =>
  subscription.kind === 'pattern' ? subscription.group.topics.length : 0;
