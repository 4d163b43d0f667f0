import { type Chunk, Column } from './chunk.js';

/** A run of whole frames, in the memory of the log. */
export interface Slice {
  /** The frames as they stand on the wire. Valid for ever: a log never writes twice to the same memory. */
  readonly bytes: Buffer;
  /** The offset of its first record. It is below the offset asked for where that lies within a batch. */
  readonly first: number;
  /** The offset to go on with. */
  readonly next: number;
  readonly frames: number;
  readonly records: number;
  /** When its first frame was appended, in microseconds. */
  readonly timestampUs: number;
}

/**
 * From a chunk, the frame that holds `offset` or the first one behind it, and as many more as fit into `maxBytes` and
 * begin below `until`. Undefined if not even the first does.
 */
export function takeSlice(chunk: Chunk, offset: number, maxBytes: number, until: number): Slice | undefined {
  const start = chunk.search(Column.LAST, offset);
  const first = chunk.base(start);
  if (first >= until) return undefined;
  const fitting = chunk.search(Column.BYTES, chunk.at(Column.BYTES, start - 1) + maxBytes + 1);
  const end = Math.max(start + 1, Math.min(fitting, framesBelow(chunk, until)));
  return {
    bytes: chunk.view(start, end),
    first,
    next: chunk.at(Column.LAST, end - 1) + 1,
    frames: end - start,
    records: chunk.records(start, end),
    timestampUs: chunk.at(Column.TIME, start),
  };
}

/** How many of a chunk's frames begin below an offset. */
function framesBelow(chunk: Chunk, offset: number): number {
  const frame = chunk.search(Column.LAST, offset);
  return frame < chunk.frames && chunk.base(frame) < offset ? frame + 1 : frame;
}
