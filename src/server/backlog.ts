import { GapReason, OnLag } from '../wire/index.js';
import { conflate } from './conflation.js';
import { SLICE_BYTES_MAX } from './limits.js';
import type { Subscriber } from './subscriber.js';
import type { Cursor } from './subscription.js';

/**
 * Sends a subscriber that is behind in a topic the next slice, or what its `on_lag` says instead. The cursor goes when
 * it reaches what live subscribers have been sent: there is no seam, because it was the same log all the time.
 * Returns the bytes gathered, and what else it has cost in bytes; 0: nothing to send, or the connection was ended.
 */
export function advanceCursor(subscriber: Subscriber, cursor: Cursor): number {
  const cost = advanceAsAsked(subscriber, cursor);
  if (cursor.offset === cursor.topic.sent) subscriber.catchUp(cursor.topic);
  return cost;
}

function advanceAsAsked(subscriber: Subscriber, cursor: Cursor): number {
  switch (cursor.onLag) {
    case OnLag.WAIT:
      return declareEvicted(subscriber, cursor) + sendSlice(subscriber, cursor);
    case OnLag.SKIP: {
      const lost = declareEvicted(subscriber, cursor);
      return lost + (isTooFarBehind(cursor) ? skipToHead(subscriber, cursor) : sendSlice(subscriber, cursor));
    }
    case OnLag.LATEST_PER_KEY: {
      const lost = declareEvicted(subscriber, cursor);
      const conflates = cursor.offset < cursor.conflateUntil || isTooFarBehind(cursor);
      return lost + (conflates ? conflate(subscriber, cursor) : sendSlice(subscriber, cursor));
    }
    case OnLag.DISCONNECT:
      return disconnectIfTooFarBehind(subscriber, cursor) ? 0 : sendSlice(subscriber, cursor);
  }
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
  const from = cursor.offset;
  cursor.offset = log.first;
  return subscriber.declareGap(cursor.topic, from, log.first - 1, GapReason.EVICTED);
}

function sendSlice(subscriber: Subscriber, cursor: Cursor): number {
  const { topic } = cursor;
  const slice = topic.log.read(cursor.offset, SLICE_BYTES_MAX, topic.sent);
  if (slice === undefined) return 0;
  subscriber.out.data(slice.bytes);
  cursor.offset = slice.next;
  subscriber.countDelivered(slice.records, slice.frames, slice.timestampUs);
  return slice.bytes.length;
}

function skipToHead(subscriber: Subscriber, cursor: Cursor): number {
  const { topic } = cursor;
  const from = cursor.offset;
  cursor.offset = topic.sent;
  return subscriber.declareGap(topic, from, topic.sent - 1, GapReason.SKIPPED);
}
