import type { Slice } from '../log/index.js';
import { GapReason, MessagesView, messagesFrameBytes, writeMessagesFrame } from '../wire/index.js';
import { KeyIndex } from './key-index.js';
import { SLICE_BYTES_MAX } from './limits.js';
import type { Subscriber } from './subscriber.js';
import type { Cursor } from './subscription.js';
import type { Topic } from './topic.js';

const view = new MessagesView();

/**
 * Sends the next slice of a topic without the records that a newer one of the same key has superseded, each run of
 * them declared by a GAP in its place, and goes on like that until the head is reached. Returns the bytes gathered.
 */
export function conflate(subscriber: Subscriber, cursor: Cursor): number {
  const { topic } = cursor;
  if (cursor.conflating === undefined) {
    cursor.conflating = { undeclared: 0 };
    topic.conflating += 1;
  }
  topic.keys ??= indexKeys(topic);
  const slice = topic.log.read(cursor.offset, SLICE_BYTES_MAX, topic.sent);
  let bytes = slice === undefined ? 0 : sendNewest(subscriber, cursor, topic.keys, slice);
  if (cursor.offset === topic.sent) {
    bytes += declare(subscriber, cursor, topic.sent - 1);
    subscriber.catchUp(topic);
  }
  return bytes;
}

function indexKeys(topic: Topic): KeyIndex {
  const keys = new KeyIndex();
  for (let next = topic.log.first; next <= topic.log.head; ) {
    const slice = topic.log.read(next, SLICE_BYTES_MAX, Number.POSITIVE_INFINITY);
    if (slice === undefined) break;
    for (let at = 0; at < slice.bytes.length; ) at = keys.add(slice.bytes, at);
    next = slice.next;
  }
  return keys;
}

/** Goes through a slice record by record. What is passed over counts as work done, so that it has its bound too. */
function sendNewest(subscriber: Subscriber, cursor: Cursor, keys: KeyIndex, slice: Slice): number {
  for (let at = 0; at < slice.bytes.length; at = view.frameEnd) {
    view.read(slice.bytes, at);
    for (let i = Math.max(0, cursor.offset - view.baseOffset); i < view.count; ) {
      const isNewest = keys.holds(view, i);
      let end = i + 1;
      while (end < view.count && keys.holds(view, end) === isNewest) end += 1;
      if (isNewest) sendRun(subscriber, cursor, i, end);
      else (cursor.conflating as { undeclared: number }).undeclared ||= view.baseOffset + i;
      cursor.offset = view.baseOffset + end;
      i = end;
    }
  }
  cursor.offset = slice.next;
  return slice.bytes.length;
}

/** A part of a batch goes out as a `messages` frame of its own. */
function sendRun(subscriber: Subscriber, cursor: Cursor, from: number, to: number): void {
  const { topic } = cursor;
  const baseOffset = view.baseOffset + from;
  declare(subscriber, cursor, baseOffset - 1);
  const prevOffset = from === 0 ? view.prevOffset : baseOffset - 1;
  const head = { topicUtf8: topic.utf8, baseOffset, prevOffset, timestampUs: view.timestampUs };
  const frame = Buffer.allocUnsafe(messagesFrameBytes(head, view, from, to));
  writeMessagesFrame(frame, 0, head, view, from, to);
  subscriber.out.data(frame);
  subscriber.countDelivered(to - from, 1, view.timestampUs);
}

/** Declares what has been left out so far, up to `to`. */
function declare(subscriber: Subscriber, cursor: Cursor, to: number): number {
  const from = cursor.conflating?.undeclared ?? 0;
  if (from === 0) return 0;
  cursor.conflating = { undeclared: 0 };
  return subscriber.declareGap(cursor.topic, from, to, GapReason.CONFLATED);
}
