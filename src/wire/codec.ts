import { openPayload } from './envelope.js';
import { FRAME_OVERHEAD, HEADER_BYTES, sealFrame } from './frame.js';
import { type Frame, type FrameName, FrameType } from './frames.js';
import { describeGap, describeMessages, readGap, readMessages } from './payloads/delivery.js';
import { describeClose, describeErrorFrame, readClose, readErrorFrame } from './payloads/ending.js';
import { describeFetch, describeFetched, readFetch, readFetched } from './payloads/fetching.js';
import { describeHello, describeWelcome, readHello, readWelcome } from './payloads/handshake.js';
import { describePing, describePong, readPing, readPong } from './payloads/liveness.js';
import { describeAck, describePublish, readAck, readPublish } from './payloads/publishing.js';
import {
  describeSubscribe,
  describeSubscribed,
  describeUnsubscribe,
  describeUnsubscribed,
  readSubscribe,
  readSubscribed,
  readUnsubscribe,
  readUnsubscribed,
} from './payloads/subscription.js';
import { ProtoReader } from './reader.js';
import { ByteSink, type Describe, type Sink, SizeSink } from './writer.js';

/** A payload that is no frame, and why. The peer broke the rules: a value, not an exception. */
export interface DecodeFault {
  readonly type: 'fault';
  readonly reason: string;
}

type FrameOf<N extends FrameName> = Extract<Frame, { readonly type: N }>;

const PAYLOADS: { readonly [N in FrameName]: readonly [Describe<FrameOf<N>>, (reader: ProtoReader) => FrameOf<N>] } = {
  hello: [describeHello, readHello],
  welcome: [describeWelcome, readWelcome],
  ping: [describePing, readPing],
  pong: [describePong, readPong],
  subscribe: [describeSubscribe, readSubscribe],
  subscribed: [describeSubscribed, readSubscribed],
  unsubscribe: [describeUnsubscribe, readUnsubscribe],
  unsubscribed: [describeUnsubscribed, readUnsubscribed],
  publish: [describePublish, readPublish],
  ack: [describeAck, readAck],
  messages: [describeMessages, readMessages],
  gap: [describeGap, readGap],
  fetch: [describeFetch, readFetch],
  fetched: [describeFetched, readFetched],
  error: [describeErrorFrame, readErrorFrame],
  close: [describeClose, readClose],
};

/** The readers again, by the frame's number. */
const READERS = new Map<number, (reader: ProtoReader) => Frame>(
  (Object.keys(PAYLOADS) as FrameName[]).map((name) => [FrameType[name], PAYLOADS[name][1]]),
);

/** The envelope: one field, whose number tells the frame. */
function describePayload(sink: Sink, frame: Frame): void {
  const [describe] = PAYLOADS[frame.type];
  // The table pairs each name with the function for it, which TypeScript cannot follow through a union.
  sink.message(FrameType[frame.type], describe as Describe<Frame>, frame);
}

const reader = new ProtoReader();

/**
 * The frame that the payload `bytes[start, end)` carries. `data` and `id` of records are views of the given bytes, and
 * live and change with them. Unknown fields are skipped; what makes a payload undecodable: two different frames or
 * none, broken or out-of-range fields, strings that are not UTF-8, and what exceeds the limits of a batch.
 */
export function decodePayload(bytes: Uint8Array, start = 0, end = bytes.length): Frame | DecodeFault {
  const read = READERS.get(openPayload(reader, bytes, start, end));
  const frame = read?.(reader);
  if (frame === undefined || reader.fault !== undefined) {
    return { type: 'fault', reason: reader.fault ?? 'a payload without a frame' };
  }
  return frame;
}

function measure(frame: Frame): SizeSink {
  const size = new SizeSink();
  describePayload(size, frame);
  return size;
}

function write(frame: Frame, size: SizeSink, target: Uint8Array, at: number): number {
  describePayload(new ByteSink(size, target, at + HEADER_BYTES), frame);
  return sealFrame(target, at, size.bytes);
}

/** The size of the whole frame, header and CRC included. Throws `WireValueError` for a value out of range. */
export function frameBytes(frame: Frame): number {
  return measure(frame).bytes + FRAME_OVERHEAD;
}

/** Writes the whole frame at `at`, where there must be room for `frameBytes(frame)`; returns where it ends. */
export function writeFrame(frame: Frame, target: Uint8Array, at: number): number {
  return write(frame, measure(frame), target, at);
}

/** The whole frame in memory of its own. Throws `WireValueError` for a value out of range. */
export function encodeFrame(frame: Frame): Uint8Array {
  const size = measure(frame);
  const bytes = new Uint8Array(size.bytes + FRAME_OVERHEAD);
  write(frame, size, bytes, 0);
  return bytes;
}
