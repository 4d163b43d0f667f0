import { isPattern, patternFault, patternMatches, topicFault } from '../log/index.js';
import { type TimerWheel, TokenBucket } from '../session/index.js';
import { CODES, type CodeName, type Fetch, POSITIONS_MAX, type Subscribe, type Unsubscribe } from '../wire/index.js';
import { beginFetch } from './fetch.js';
import { FETCHES_PER_SECOND, LOOKS_PER_CHANGE, SUBSCRIPTION_CHANGES_PER_SECOND } from './limits.js';
import { offsetInFuture } from './start.js';
import type { Subscriber } from './subscriber.js';
import { ANOTHER_EPOCH, type PlaceKnown } from './subscription.js';
import { TOO_MANY_TOPICS } from './topic-table.js';

/** Grants or refuses what one client asks for. A refusal fails the request; the connection lives. */
export class Requests {
  readonly subscriber: Subscriber;
  readonly #maxSubscriptions: number;
  readonly #wheel: TimerWheel;
  readonly #changes: TokenBucket;
  readonly #fetches: TokenBucket;

  constructor(subscriber: Subscriber, maxSubscriptions: number, wheel: TimerWheel, nowMs: number) {
    this.subscriber = subscriber;
    this.#maxSubscriptions = maxSubscriptions;
    this.#wheel = wheel;
    // A client that comes back asks for all it had at once, and may.
    const burst = (perSecond: number) => new TokenBucket(perSecond, maxSubscriptions + perSecond, nowMs);
    this.#changes = burst(SUBSCRIPTION_CHANGES_PER_SECOND);
    this.#fetches = burst(FETCHES_PER_SECOND);
  }

  subscribe(request: Subscribe, nowMs: number): void {
    const { requestId, topic: name } = request;
    const { subscriptions, delivery } = this.subscriber;
    if (!this.#changes.take(nowMs)) return this.#tooFast(requestId, SUBSCRIPTION_CHANGES_PER_SECOND);
    const fault = isPattern(name) ? patternFault(name) : topicFault(name);
    if (fault !== undefined) return this.#refuse(requestId, 'BAD_TOPIC', fault);
    if (subscriptions.has(name)) return this.#refuse(requestId, 'ALREADY_SUBSCRIBED', `${name} is subscribed to`);
    if (subscriptions.size >= this.#maxSubscriptions) {
      return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', `no more than ${this.#maxSubscriptions} subscriptions`);
    }
    if (isPattern(name)) return this.#subscribePattern(request);
    const topic = delivery.topics.open(name);
    if (topic === undefined) return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', TOO_MANY_TOPICS);
    if (!this.subscriber.subscribe(topic, requestId, request.onLag, request)) {
      this.subscriber.out.control(offsetInFuture(requestId, name));
      delivery.topics.releaseTopic(topic);
    }
  }

  unsubscribe({ requestId, topic }: Unsubscribe, nowMs: number): void {
    if (!this.#changes.take(nowMs)) return this.#tooFast(requestId, SUBSCRIPTION_CHANGES_PER_SECOND);
    const subscription = this.subscriber.subscriptions.get(topic);
    if (subscription === undefined) {
      return this.#refuse(requestId, 'UNKNOWN_SUBSCRIPTION', 'there is no such subscription');
    }
    if (subscription.kind === 'pattern') this.#charge(this.subscriber.cursors.size);
    this.subscriber.unsubscribe(topic, subscription);
    this.subscriber.out.inOrder({ type: 'unsubscribed', requestId, topic });
  }

  fetch(request: Fetch, nowMs: number): void {
    const { requestId, topic: name } = request;
    if (!this.#fetches.take(nowMs)) return this.#tooFast(requestId, FETCHES_PER_SECOND);
    const fault = topicFault(name);
    if (fault !== undefined) return this.#refuse(requestId, 'BAD_TOPIC', fault);
    const { topics } = this.subscriber.delivery;
    const topic = request.waitMs === 0 ? topics.glance(name) : topics.open(name);
    if (topic === undefined) return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', TOO_MANY_TOPICS);
    const error = beginFetch(this.subscriber, topic, request, this.#wheel);
    if (error === undefined) return;
    this.subscriber.out.control(error);
    topics.releaseTopic(topic);
  }

  #subscribePattern(request: Subscribe): void {
    const { topics } = this.subscriber.delivery;
    const { requestId, topic: pattern, onLag, start, epoch, offset, lastN, sinceUs } = request;
    let kept = request.positions.length;
    for (const other of this.subscriber.subscriptions.values()) {
      if (other.kind === 'pattern') kept += other.positions.size;
    }
    if (kept > POSITIONS_MAX) {
      return this.#refuse(requestId, 'TOO_MANY_SUBSCRIPTIONS', `no more than ${POSITIONS_MAX} positions`);
    }
    this.#charge(request.positions.length);
    this.subscriber.subscribePattern({
      kind: 'pattern',
      group: topics.patterns.group(pattern),
      requestId,
      onLag,
      startAt: { start, epoch: epoch === '' ? '' : ANOTHER_EPOCH, offset, lastN, sinceUs },
      positions: this.#placesKnown(request),
      since: topics.serial,
      announced: 0,
      searched: (cost) => this.#charge(cost),
    });
  }

  /** What the positions come to: of what is no place in any topic of the pattern, nothing is kept. */
  #placesKnown({ topic: pattern, positions }: Subscribe): Map<string, PlaceKnown> {
    const { topics } = this.subscriber.delivery;
    const places = new Map<string, PlaceKnown>();
    for (const { topic: name, epoch, offset } of positions) {
      if (topicFault(name) !== undefined || !patternMatches(pattern, name)) continue;
      const known = topics.find(name);
      if (known === undefined && epoch === '') continue;
      const isPresent = known !== undefined && (epoch === '' || epoch === known.log.epoch);
      places.set(known?.name ?? name, { epoch: isPresent ? known.log.epoch : ANOTHER_EPOCH, offset });
    }
    return places;
  }

  #charge(looks: number): void {
    this.#changes.charge(looks / LOOKS_PER_CHANGE);
  }

  #tooFast(requestId: number, perSecond: number): void {
    this.#refuse(requestId, 'RATE_LIMITED', `no more than ${perSecond} a second`);
  }

  #refuse(requestId: number, name: CodeName, message: string): void {
    this.subscriber.out.control({ type: 'error', requestId, code: CODES[name].code, message });
  }
}
