import type { CloseName } from './codes.js';

/** What is done about a corrupt frame; see `FrameDecoder`. */
export type OnCorrupt = 'skip' | 'scan' | 'close';

/** Corrupt frames that a connection survives; the next one ends it. A link that bad is better dialled anew. */
export const CORRUPT_FRAMES_MAX = 16;
/** A frame of up to so many times the limit is discarded by its length; beyond, the connection ends. */
export const TOO_LARGE_FACTOR = 16;

/** What `FrameDecoder.next` answers. */
export const DecodeStep = {
  /** All that can be decided has been. Ask again when more bytes have come. */
  NEED_MORE: 0,
  /** A whole frame with the right CRC: its payload is `bytes[start, end)`. */
  FRAME: 1,
  /** A corrupt frame was noticed and counted, and is discarded. Ask again. */
  CORRUPT: 2,
  /** A frame over the limit was announced, and is discarded by its length. Tell the peer, and ask again. */
  TOO_LARGE: 3,
  /** The stream cannot go on: close the connection as `fault` says. Every later answer is the same. */
  FATAL: 4,
} as const;
export type DecodeStep = (typeof DecodeStep)[keyof typeof DecodeStep];

/** Why a stream cannot go on. */
export interface StreamFault {
  readonly code: Extract<CloseName, 'CORRUPT' | 'FRAME_TOO_LARGE' | 'PROTOCOL_ERROR'>;
  readonly reason: string;
}
