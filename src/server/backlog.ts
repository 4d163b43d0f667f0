import { GapReason, OnLag } from '../wire/index.js';
import { conflate } from './conflation.js';
import { SLICE_BYTES_MAX } from './limits.js';
import type { Subscriber } from './subscriber.js';
import type { Cursor } from './subscription.js';

/**
 * Sends a subscriber that is behind in a topic the next slice, or what its `on_lag` says instead. The cursor goes when
 * it reaches what live subscribers have been sent: there is no seam, because it was the same log all the time.
 * Returns the number of bytes gathered; 0: nothing to send, or the cursor has gone.
 */
export function advanceCursor(subscriber: Subscriber, cursor: Cursor): number {
  const { topic } = cursor;
  if (disconnectIfTooFarBehind(subscriber, cursor)) return 0;
  const lost = declareEvicted(subscriber, cursor);
  if (cursor.conflating !== undefined) return lost + conflate(subscriber, cursor);
  if (isTooFarBehind(cursor)) {
    switch (cursor.onLag) {
      case OnLag.WAIT:
      case OnLag.DISCONNECT:
        break;
      case OnLag.SKIP:
        return lost + skipToHead(subscriber, cursor);
      case OnLag.LATEST_PER_KEY:
        return lost + conflate(subscriber, cursor);
    }
  }
  const slice = topic.log.read(cursor.offset, SLICE_BYTES_MAX, topic.sent);
  if (slice === undefined) {
    if (cursor.offset === topic.sent) subscriber.catchUp(topic);
    return lost;
  }
  subscriber.out.data(slice.bytes);
  cursor.offset = slice.next;
  subscriber.countDelivered(slice.records, slice.frames, slice.timestampUs);
  if (cursor.offset === topic.sent) subscriber.catchUp(topic);
  return lost + slice.bytes.length;
}

const isTooFarBehind = ({ topic, offset, allowance }: Cursor): boolean =>
  offset < topic.sent && topic.log.bytesBehind(offset) > allowance;

/**
 * What DISCONNECT asks for. One that has stopped reading is found by what is appended, for its link never drains.
 * Returns whether the connection was ended.
 */
export function disconnectIfTooFarBehind(subscriber: Subscriber, cursor: Cursor): boolean {
  const { topic } = cursor;
  if (cursor.onLag !== OnLag.DISCONNECT) return false;
  if (cursor.offset < topic.log.first) subscriber.disconnect(`lost its place in ${topic.name}`);
  else if (isTooFarBehind(cursor)) subscriber.disconnect(`too far behind in ${topic.name}`);
  else return false;
  return true;
}

/** Retention has overtaken the cursor: what is lost is named, and the cursor goes on at the first record that is left. */
function declareEvicted(subscriber: Subscriber, cursor: Cursor): number {
  const { log } = cursor.topic;
  if (cursor.offset >= log.first) return 0;
  const from = cursor.conflating?.undeclared || cursor.offset;
  if (cursor.conflating !== undefined) cursor.conflating.undeclared = 0;
  cursor.offset = log.first;
  return subscriber.declareGap(cursor.topic, from, log.first - 1, GapReason.EVICTED);
}

function skipToHead(subscriber: Subscriber, cursor: Cursor): number {
  const { topic } = cursor;
  const from = cursor.offset;
  cursor.offset = topic.sent;
  const bytes = subscriber.declareGap(topic, from, topic.sent - 1, GapReason.SKIPPED);
  subscriber.catchUp(topic);
  return bytes;
}
