import type { ChunkQueue } from './chunk-queue.js';
import { FRAME_OVERHEAD, HEADER_BYTES, payloadIsIntact } from './frame.js';
import { FrameType } from './frames.js';

/** What the first bytes of a supposed frame say of themselves. */
export const Look = {
  /** So far nothing speaks against it; more bytes are needed to tell. */
  UNDECIDED: 0,
  NO_FRAME: 1,
  /** The payload begins with a known tag, whose own length ends exactly where the header says that the payload ends. */
  FRAME: 2,
} as const;
export type Look = (typeof Look)[keyof typeof Look];

const WIRE_TYPE_LENGTH = 2;
const TAG_VARINT_BYTES_MAX = 2;
const LENGTH_VARINT_BYTES_MAX = 5;

/**
 * Judges the bytes at the front of `queue` as the beginning of a frame, without its CRC. The length is vouched for
 * twice in every frame, by the header and by the payload's first field, so that a header which was damaged, or was
 * never one, gives itself away after a few bytes: at most 11 are looked at.
 */
export function look(queue: ChunkQueue, payloadBytesMax: number): Look {
  if (queue.size < HEADER_BYTES) {
    return Look.UNDECIDED;
  }
  const length = queue.uint32();
  return length === 0 || length > payloadBytesMax ? Look.NO_FRAME : lookAtPayload(queue, HEADER_BYTES + length);
}

/**
 * Whether a whole frame of this payload length, whose CRC is wrong, still resembles one: its tag is known, or its own
 * length agrees with the header. One damaged byte leaves one of the two as it was.
 */
export function resemblesFrame(queue: ChunkQueue, length: number): boolean {
  const end = HEADER_BYTES + length;
  const tagEnd = knownTagEnd(queue);
  return (
    (tagEnd !== UNKNOWN_TAG && tagEnd !== UNDECIDED_TAG) ||
    lookAtOwnLength(queue, HEADER_BYTES + 1, end) === Look.FRAME ||
    lookAtOwnLength(queue, HEADER_BYTES + 2, end) === Look.FRAME
  );
}

/** Whether the frame of this payload length that stands whole at the front of `queue` has the right CRC; gathers it. */
export function isIntact(queue: ChunkQueue, length: number): boolean {
  queue.gather(length + FRAME_OVERHEAD);
  const start = queue.start + HEADER_BYTES;
  return payloadIsIntact(queue.bytes, start, start + length);
}

function lookAtPayload(queue: ChunkQueue, end: number): Look {
  const tagEnd = knownTagEnd(queue);
  switch (tagEnd) {
    case UNDECIDED_TAG:
      return Look.UNDECIDED;
    case UNKNOWN_TAG:
      return Look.NO_FRAME;
    default:
      return lookAtOwnLength(queue, tagEnd, end);
  }
}

const UNKNOWN_TAG = 0;
const UNDECIDED_TAG = -1;

/** Where the first tag ends, if it is one of the sixteen. */
function knownTagEnd(queue: ChunkQueue): number {
  let tag = 0;
  for (let digit = 0; digit < TAG_VARINT_BYTES_MAX; digit += 1) {
    const at = HEADER_BYTES + digit;
    if (at >= queue.size) {
      return UNDECIDED_TAG;
    }
    const byte = queue.byteAt(at);
    tag |= (byte & 0x7f) << (7 * digit);
    if (byte < 0x80) {
      const type = tag >>> 3;
      const known = (tag & 7) === WIRE_TYPE_LENGTH && type >= FrameType.hello && type <= FrameType.close;
      return known ? at + 1 : UNKNOWN_TAG;
    }
  }
  return UNKNOWN_TAG;
}

/** Whether the length that stands at `from` leads to exactly `end`. */
function lookAtOwnLength(queue: ChunkQueue, from: number, end: number): Look {
  let own = 0;
  for (let digit = 0; digit < LENGTH_VARINT_BYTES_MAX; digit += 1) {
    const at = from + digit;
    if (at >= queue.size) {
      return Look.UNDECIDED;
    }
    const byte = queue.byteAt(at);
    own += (byte & 0x7f) * 2 ** (7 * digit);
    if (byte < 0x80) {
      return at + 1 + own === end ? Look.FRAME : Look.NO_FRAME;
    }
  }
  return Look.NO_FRAME;
}
