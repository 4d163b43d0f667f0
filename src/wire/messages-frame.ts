import { FRAME_OVERHEAD, HEADER_BYTES, sealFrame } from './frame.js';
import type { RecordRanges } from './record-ranges.js';
import { varintBytes, writeVarint } from './varint.js';

/**
 * What a `messages` frame may be larger than the `publish` it was made of, so what a receiver must allow on top of the
 * payload limit: three numbers below 2^53, with their tags 9 bytes each, and one byte more for the length of it all.
 * That is 28; 32 is rounder.
 */
export const MESSAGES_SLACK_BYTES = 32;

const TAG_MESSAGES = 0x5a;
const TAG_TOPIC = 0x0a;
const TAG_BASE_OFFSET = 0x10;
const TAG_PREV_OFFSET = 0x18;
const TAG_TIMESTAMP_US = 0x20;
const TAG_RECORD = 0x2a;

/** Below this, a loop copies faster than a call of `set` with the view that must be made for it. */
const LOOP_COPY_BYTES_MAX = 24;

function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

function writeNumber(target: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) {
    return at;
  }
  target[at] = tag;
  return writeVarint(target, at + 1, value);
}

/** What the head of a `messages` frame says; its records come from a `RecordRanges`. */
export interface MessagesHead {
  readonly topicUtf8: Uint8Array;
  /** The offset of the first record. The others follow by one. */
  readonly baseOffset: number;
  /** The offset of the record before it in this topic; 0: none, or unknown. */
  readonly prevOffset: number;
  readonly timestampUs: number;
}

/** The size of the `messages` message: what stands in the payload behind its own tag and length. */
function messageBytes(head: MessagesHead, records: RecordRanges, from: number, to: number): number {
  const topicBytes = head.topicUtf8.length;
  let bytes = 1 + varintBytes(topicBytes) + topicBytes;
  bytes += numberBytes(head.baseOffset) + numberBytes(head.prevOffset) + numberBytes(head.timestampUs);
  for (let index = from; index < to; index += 1) {
    const length = records.ends[index] - records.starts[index];
    bytes += 1 + varintBytes(length) + length;
  }
  return bytes;
}

/** The size of the whole frame of the records `from` to `to`, the latter not included. */
export function messagesFrameBytes(head: MessagesHead, records: RecordRanges, from = 0, to = records.count): number {
  const bytes = messageBytes(head, records, from, to);
  return FRAME_OVERHEAD + 1 + varintBytes(bytes) + bytes;
}

/**
 * Writes the whole frame, its records' bytes copied as they stand, at `at`, where there must be room for
 * `messagesFrameBytes` of the same arguments; returns where it ends. A part of a batch is written as a frame of its own
 * by `from` and `to`; the head must then say the offset of the record at `from`.
 */
export function writeMessagesFrame(
  target: Uint8Array,
  at: number,
  head: MessagesHead,
  records: RecordRanges,
  from = 0,
  to = records.count,
): number {
  const start = at + HEADER_BYTES;
  target[start] = TAG_MESSAGES;
  let end = writeVarint(target, start + 1, messageBytes(head, records, from, to));
  target[end] = TAG_TOPIC;
  end = writeVarint(target, end + 1, head.topicUtf8.length);
  target.set(head.topicUtf8, end);
  end += head.topicUtf8.length;
  end = writeNumber(target, end, TAG_BASE_OFFSET, head.baseOffset);
  end = writeNumber(target, end, TAG_PREV_OFFSET, head.prevOffset);
  end = writeNumber(target, end, TAG_TIMESTAMP_US, head.timestampUs);
  end = writeRecords(target, end, records, from, to);
  return sealFrame(target, at, end - start);
}

/** The bytes of a record's tag and length, written as short as can be. */
function prefixBytes(records: RecordRanges, index: number): number {
  return 1 + varintBytes(records.ends[index] - records.starts[index]);
}

/**
 * Records that lie behind one another in the source, as nearly all do, are copied in one go, and only their tags
 * corrected: in a `publish` the field that holds the records has another number.
 */
function writeRecords(target: Uint8Array, at: number, records: RecordRanges, from: number, to: number): number {
  const { source, starts, ends } = records;
  let end = at;
  let index = from;
  while (index < to) {
    const first = index;
    const start = starts[first];
    target[end] = TAG_RECORD;
    end = writeVarint(target, end + 1, ends[first] - start);
    const shift = end - start;
    index += 1;
    while (index < to && starts[index] - ends[index - 1] === prefixBytes(records, index)) {
      index += 1;
    }
    copyBytes(source, start, ends[index - 1], target, end);
    end = ends[index - 1] + shift;
    for (let copied = first + 1; copied < index; copied += 1) {
      target[ends[copied - 1] + shift] = TAG_RECORD;
    }
  }
  return end;
}

function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > LOOP_COPY_BYTES_MAX) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let from = start, to = at; from < end; from += 1, to += 1) {
    target[to] = source[from];
  }
}
