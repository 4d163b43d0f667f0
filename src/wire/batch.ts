import { openPayload } from './envelope.js';
import { HEADER_BYTES, readUint32, TRAILER_BYTES } from './frame.js';
import { FrameType } from './frames.js';
import { ProtoReader } from './reader.js';
import { RecordRanges } from './record-ranges.js';

const reader = new ProtoReader();

/**
 * A PUBLISH payload read in place, the hot path of a record. One instance serves batch after batch; what it says is
 * valid until the next `read`, and as long as the bytes it was given stay as they are.
 */
export class BatchView extends RecordRanges {
  requestId = 0;
  /** The topic's UTF-8 in `source`; whether it is a legal topic is not judged here. */
  topicStart = 0;
  topicEnd = 0;

  /** Reads `bytes[start, end)`. Returns why it is undecodable, as `decodePayload` would say, or undefined. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    this.reset(bytes);
    this.requestId = 0;
    this.topicStart = start;
    this.topicEnd = start;
    if (openPayload(reader, bytes, start, end) !== FrameType.publish) {
      return reader.fault ?? 'not a publish';
    }
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case 0x08:
          this.requestId = reader.uint32();
          break;
        case 0x12:
          reader.textRange();
          this.topicStart = reader.from;
          this.topicEnd = reader.to;
          break;
        case 0x1a:
          this.add(reader);
          break;
        default:
          reader.skip(tag);
      }
    }
    return reader.fault;
  }
}

/**
 * A MESSAGES frame read in place, as it stands in the log: for whoever needs its records one by one. Reused as
 * `BatchView` is. Record `index` has the offset `baseOffset + index`.
 */
export class MessagesView extends RecordRanges {
  topicStart = 0;
  topicEnd = 0;
  baseOffset = 0;
  prevOffset = 0;
  timestampUs = 0;
  /** Where the frame ends, its CRC included. */
  frameEnd = 0;

  /** Reads the whole frame at `at`; its CRC is not checked. Returns why it is undecodable, or undefined. */
  read(bytes: Uint8Array, at: number): string | undefined {
    const start = at + HEADER_BYTES;
    const end = start + readUint32(bytes, at);
    this.reset(bytes);
    this.topicStart = start;
    this.topicEnd = start;
    this.baseOffset = 0;
    this.prevOffset = 0;
    this.timestampUs = 0;
    this.frameEnd = end + TRAILER_BYTES;
    if (this.frameEnd > bytes.length) {
      return 'a frame that is not whole';
    }
    if (openPayload(reader, bytes, start, end) !== FrameType.messages) {
      return reader.fault ?? 'not messages';
    }
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      this.#field(tag);
    }
    return reader.fault;
  }

  #field(tag: number): void {
    switch (tag) {
      case 0x0a:
        reader.textRange();
        this.topicStart = reader.from;
        this.topicEnd = reader.to;
        break;
      case 0x10:
        this.baseOffset = reader.uint53();
        break;
      case 0x18:
        this.prevOffset = reader.uint53();
        break;
      case 0x20:
        this.timestampUs = reader.uint53();
        break;
      case 0x2a:
        this.add(reader);
        break;
      default:
        reader.skip(tag);
    }
  }
}
