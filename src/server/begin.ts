import type { OnLag } from '../wire/index.js';
import { asksForHistory, beginning } from './start.js';
import type { Subscriber } from './subscriber.js';
import type { StartAt } from './subscription.js';
import type { Topic } from './topic.js';

/**
 * Begins delivery of a topic: sets the cursor, ends a fetch, confirms, and declares what is lost. False: the position
 * asked for is beyond the head, and nothing was begun.
 */
export function begin(
  subscriber: Subscriber,
  topic: Topic,
  requestId: number,
  onLag: OnLag,
  startAt: StartAt,
): boolean {
  const { log } = topic;
  const place = beginning(log, startAt);
  if (place === undefined) return false;
  const history = asksForHistory(startAt.start, onLag) ? log.bytesBehind(place.offset) : 0;
  subscriber.place(topic, place.offset, onLag, history + subscriber.delivery.lagLimit);
  // The cursor comes first, for a topic that nobody listens to is forgotten.
  subscriber.fetches.get(topic)?.finish();
  sayWhere(subscriber, topic, requestId, place.offset);
  if (place.gap !== undefined) subscriber.declareGap(topic, place.gap.from, place.gap.to, place.gap.reason);
  return true;
}

/** Another subscription covers the topic already, and its place is this one's place too. */
export function confirm(subscriber: Subscriber, topic: Topic, requestId: number): void {
  sayWhere(subscriber, topic, requestId, subscriber.cursors.get(topic)?.offset ?? topic.sent);
}

function sayWhere({ out }: Subscriber, { name, log }: Topic, requestId: number, nextOffset: number): void {
  out.inOrder({ type: 'subscribed', requestId, topic: name, epoch: log.epoch, nextOffset, headOffset: log.head });
}
