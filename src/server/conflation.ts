import { GapReason, MessagesView, messagesFrameBytes, writeMessagesFrame } from '../wire/index.js';
import { SCANNED_RECORD_COST } from './limits.js';
import type { NewestOfKeys } from './newest-of-keys.js';
import type { Subscriber } from './subscriber.js';
import type { Cursor } from './subscription.js';

const view = new MessagesView();

/**
 * Takes a cursor on by one batch that holds the newest record of a key, and names by a GAP what it leaves out; or, while
 * that is not known yet, takes a step towards knowing. Returns the bytes gathered and what looking has cost, in bytes.
 */
export function conflate(subscriber: Subscriber, cursor: Cursor): number {
  const newest = subscriber.delivery.conflator.newest(cursor.topic, cursor.offset);
  if (typeof newest === 'number') return newest;
  if (cursor.conflateUntil <= cursor.offset) cursor.conflateUntil = newest.until;
  return leaveOut(subscriber, cursor, newest.from - 1, GapReason.SKIPPED) + sendNewest(subscriber, cursor, newest);
}

/** Sends what is the newest of its key of the next batch that holds any, as far as there is room for it. */
function sendNewest(subscriber: Subscriber, cursor: Cursor, newest: NewestOfKeys): number {
  const { log } = cursor.topic;
  let from = newest.next(cursor.offset);
  const batch = log.read(from, 1, newest.until)?.bytes;
  if (batch === undefined) return 0;
  view.read(batch, 0);
  const end = view.baseOffset + view.count;
  let bytes = view.count * SCANNED_RECORD_COST;
  while (from < end && !subscriber.out.full) {
    let to = from + 1;
    while (to < end && newest.next(to) === to) to++;
    bytes += leaveOut(subscriber, cursor, prevOffset(from), GapReason.CONFLATED);
    bytes += sendRun(subscriber, cursor, from, to);
    from = newest.next(to);
  }
  return bytes;
}

/** Declares what is left out up to `to`, if there is anything. */
function leaveOut(subscriber: Subscriber, cursor: Cursor, to: number, reason: GapReason): number {
  const from = cursor.offset;
  if (to < from) return 0;
  cursor.offset = to + 1;
  return subscriber.declareGap(cursor.topic, from, to, reason);
}

/** A part of a batch goes out as a `messages` frame of its own. */
function sendRun(subscriber: Subscriber, cursor: Cursor, from: number, to: number): number {
  const { utf8: topicUtf8 } = cursor.topic;
  const { baseOffset, timestampUs } = view;
  const head = { topicUtf8, baseOffset: from, prevOffset: prevOffset(from), timestampUs };
  const frame = Buffer.allocUnsafe(messagesFrameBytes(head, view, from - baseOffset, to - baseOffset));
  writeMessagesFrame(frame, 0, head, view, from - baseOffset, to - baseOffset);
  subscriber.out.data(frame);
  subscriber.countDelivered(to - from, 1, timestampUs);
  cursor.offset = to;
  return frame.length;
}

/** The offset of the record before one of the batch that is being looked at. */
const prevOffset = (offset: number): number => (offset === view.baseOffset ? view.prevOffset : offset - 1);
