import type { ChunkQueue } from './chunk-queue.js';
import { HEADER_BYTES } from './frame.js';
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

function lookAtPayload(queue: ChunkQueue, end: number): Look {
  let at = HEADER_BYTES;
  let tag = 0;
  for (let shift = 0; shift <= 7; shift += 7) {
    if (at === queue.size) {
      return Look.UNDECIDED;
    }
    const byte = queue.byteAt(at);
    at += 1;
    tag |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      break;
    }
  }
  const type = tag >>> 3;
  if ((tag & 7) !== WIRE_TYPE_LENGTH || type < FrameType.hello || type > FrameType.close) {
    return Look.NO_FRAME;
  }
  let own = 0;
  for (let digit = 0; digit < LENGTH_VARINT_BYTES_MAX; digit += 1) {
    if (at === queue.size) {
      return Look.UNDECIDED;
    }
    const byte = queue.byteAt(at);
    at += 1;
    own += (byte & 0x7f) * 2 ** (7 * digit);
    if (byte < 0x80) {
      return at + own === end ? Look.FRAME : Look.NO_FRAME;
    }
  }
  return Look.NO_FRAME;
}
