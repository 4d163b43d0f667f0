/** The wire: frames of bytes, and what they mean. Bytes in, values out; no socket, no clock. */

export { BatchView, MessagesView } from './batch.js';
export { type DecodeFault, decodePayload, encodeFrame, frameBytes, writeFrame } from './codec.js';
export { type CloseName, CODES, type CodeName, codeName } from './codes.js';
export { crc32 } from './crc32.js';
export {
  CORRUPT_FRAMES_MAX,
  DecodeStep,
  type OnCorrupt,
  type StreamFault,
  TOO_LARGE_FACTOR,
} from './decode-step.js';
export { FrameDecoder } from './decoder.js';
export { frameTag } from './envelope.js';
export {
  FRAME_OVERHEAD,
  HEADER_BYTES,
  PAYLOAD_BYTES_DEFAULT,
  PAYLOAD_BYTES_HANDSHAKE,
  payloadIsIntact,
  readUint32,
  sealFrame,
  TRAILER_BYTES,
} from './frame.js';
export * from './frames.js';
export { MESSAGES_SLACK_BYTES, type MessagesHead, messagesFrameBytes, writeMessagesFrame } from './messages-frame.js';
export { RECORD_HEADERS_MAX } from './payloads/record.js';
export type { RecordRanges } from './record-ranges.js';
export { decodeUtf8, utf8Bytes, writeUtf8 } from './utf8.js';
export { WireValueError } from './writer.js';
