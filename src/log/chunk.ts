/** What the directory knows of each frame. Every column rises (or stays), so that any of them can be searched. */
export const Column = {
  /** The offset of the frame's last record. */
  LAST: 0,
  /** When the frame was appended, in microseconds. */
  TIME: 1,
  /** The bytes of all frames of the log up to and including this one, since the log began. */
  BYTES: 2,
  /** The records of all frames of the log up to and including this one, since the log began. */
  RECORDS: 3,
} as const;
export type Column = (typeof Column)[keyof typeof Column];

const COLUMNS = 4;
const SLOT_BYTES = COLUMNS * Float64Array.BYTES_PER_ELEMENT;

/** A topic that holds little costs little: 10,000 quiet ones hold 40 MB. */
const CHUNK_BYTES_MIN = 4 * 1024;
/** Large enough that slices of 64 KiB are rarely cut short, small enough that memory is given back in time. */
const CHUNK_BYTES_MAX = 256 * 1024;

/**
 * The size of the next chunk of a log that retains `retained` bytes: about as much again, so that the log doubles while
 * it grows and one that retains little stays small; or the frame's own size (its directory aligned to 8), if it is
 * larger than that.
 */
export function chunkBytesFor(frameBytes: number, retained: number): number {
  const powerOfTwo = 2 ** (31 - Math.clz32(Math.min(retained, CHUNK_BYTES_MAX)));
  return Math.max(CHUNK_BYTES_MIN, powerOfTwo, Math.ceil((frameBytes + 2 * SLOT_BYTES) / 8) * 8);
}

/**
 * A piece of a log: one buffer, laid out as a database's slotted page. Frames are packed from the front, and a
 * directory of fixed slots grows towards them from the back:
 *
 *     | frame 0 | frame 1 | frame 2 |   free   | slot 2 | slot 1 | slot 0 | slot -1 |
 *
 * Slot -1 holds the running values of the log in front of the chunk. So what a frame holds is the difference between
 * two slots, frame 0 is no exception, and the buffer with a count of frames is all that a reader needs, be it in
 * another thread.
 *
 * The memory is never used again for other frames: a socket may still be writing a view of it long after the log has
 * forgotten it, and the garbage collector is the one that knows when the last view has gone.
 */
export class Chunk {
  /** The whole chunk. Frames are encoded straight into it, at `used`. */
  readonly bytes: Uint8Array;
  readonly #directory: Float64Array;
  #frames = 0;
  #used = 0;

  /** `memory`'s size is a multiple of 8; the rest is the log's running values: what the columns say, so far. */
  constructor(memory: ArrayBufferLike, last: number, timeUs: number, bytes: number, records: number) {
    this.bytes = new Uint8Array(memory);
    this.#directory = new Float64Array(memory);
    this.#set(-1, last, timeUs, bytes, records);
  }

  get frames(): number {
    return this.#frames;
  }

  /** Where the next frame goes, in bytes from the front. */
  get used(): number {
    return this.#used;
  }

  hasRoom(size: number): boolean {
    return this.#used + size + (this.#frames + 2) * SLOT_BYTES <= this.bytes.length;
  }

  /** Takes in the frame of `size` bytes that has been written at `used`. */
  append(size: number, last: number, timeUs: number, records: number): void {
    const before = this.#frames - 1;
    this.#set(
      this.#frames,
      last,
      timeUs,
      this.at(Column.BYTES, before) + size,
      this.at(Column.RECORDS, before) + records,
    );
    this.#frames++;
    this.#used += size;
  }

  /** A column of a frame; of frame -1, the log's value in front of the chunk. */
  at(column: Column, frame: number): number {
    return this.#directory[this.#slot(frame) + column] as number;
  }

  /** Where a frame starts, in bytes from the front of the chunk. */
  start(frame: number): number {
    return this.at(Column.BYTES, frame - 1) - this.at(Column.BYTES, -1);
  }

  /** The offset of a frame's first record. */
  base(frame: number): number {
    return this.at(Column.LAST, frame) - this.records(frame, frame + 1) + 1;
  }

  /** How many records the frames from `from` up to, not including, `to` hold. */
  records(from: number, to: number): number {
    return this.at(Column.RECORDS, to - 1) - this.at(Column.RECORDS, from - 1);
  }

  /** The first frame whose `column` is `wanted` or more; `frames` if there is none. */
  search(column: Column, wanted: number): number {
    let low = 0;
    let high = this.#frames;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(column, middle) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The bytes of whole frames, in place. A Buffer, because that is what a socket writes as it stands: any other view
   * would be wrapped in a new Buffer at each write.
   */
  view(from: number, to: number): Buffer {
    const start = this.start(from);
    return Buffer.from(this.bytes.buffer, start, this.start(to) - start);
  }

  #slot(frame: number): number {
    return this.#directory.length - (frame + 2) * COLUMNS;
  }

  #set(frame: number, last: number, timeUs: number, bytes: number, records: number): void {
    const slot = this.#slot(frame);
    this.#directory[slot + Column.LAST] = last;
    this.#directory[slot + Column.TIME] = timeUs;
    this.#directory[slot + Column.BYTES] = bytes;
    this.#directory[slot + Column.RECORDS] = records;
  }
}

/** The first of a log's chunks with a frame whose `column` is `wanted` or more; the number of chunks if there is none. */
export function searchChunks(chunks: readonly Chunk[], column: Column, wanted: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const chunk = chunks[middle] as Chunk;
    if (chunk.at(column, chunk.frames - 1) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
