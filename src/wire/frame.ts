import { crc32 } from './crc32.js';

/** The length in front of a payload: 4 bytes, big-endian. */
export const HEADER_BYTES = 4;
/** The CRC-32 of the payload alone, behind it: 4 bytes, big-endian. */
export const TRAILER_BYTES = 4;
/** What a frame costs beside its payload. */
export const FRAME_OVERHEAD = HEADER_BYTES + TRAILER_BYTES;

/** The longest payload, unless configured otherwise. */
export const PAYLOAD_BYTES_DEFAULT = 1024 * 1024;
/** The longest payload before HELLO is accepted: whoever has not said who he is gets little memory. */
export const PAYLOAD_BYTES_HANDSHAKE = 64 * 1024;

/** Reads 4 bytes, big-endian, unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/**
 * Makes a frame of a payload that already stands at `at + HEADER_BYTES`: writes its length before it and its CRC
 * behind it. Returns where the frame ends.
 */
export function sealFrame(target: Uint8Array, at: number, payloadBytes: number): number {
  const start = at + HEADER_BYTES;
  const end = start + payloadBytes;
  writeUint32(target, at, payloadBytes);
  writeUint32(target, end, crc32(target, start, end));
  return end + TRAILER_BYTES;
}

/** Whether the CRC behind the payload `bytes[start, end)` is the payload's own. */
export function payloadIsIntact(bytes: Uint8Array, start: number, end: number): boolean {
  return crc32(bytes, start, end) === readUint32(bytes, end);
}
