import { FrameType } from './frames.js';
import { ProtoReader } from './reader.js';

const WIRE_TYPE_LENGTH = 2;

/**
 * Opens a payload: finds out which frame it carries, and leaves `reader` inside it. Returns the frame's number in
 * `FrameType`, or 0, with `reader.fault` set, if the payload carries none or two different ones. Unknown fields beside
 * it are skipped; of the same frame twice the last counts.
 */
export function openPayload(reader: ProtoReader, bytes: Uint8Array, start: number, end: number): number {
  reader.open(bytes, start, end);
  let type = 0;
  let from = start;
  let to = start;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const field = tag >>> 3;
    reader.skip(tag);
    if ((tag & 7) !== WIRE_TYPE_LENGTH || field > FrameType.close) {
      continue;
    }
    if (type !== 0 && type !== field) {
      reader.fail('two frames in one payload');
    }
    type = field;
    from = reader.from;
    to = reader.to;
  }
  if (type === 0) {
    reader.fail('a payload without a frame');
  }
  if (reader.fault !== undefined) {
    return 0;
  }
  reader.open(bytes, from, to);
  return type;
}

const peeker = new ProtoReader();

/** Which frame the payload `bytes[start, end)` carries: its number in `FrameType`, or 0 if it is undecodable. */
export function frameTag(bytes: Uint8Array, start: number, end: number): number {
  return openPayload(peeker, bytes, start, end);
}
