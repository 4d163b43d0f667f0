import { Chunk, Column, chunkBytesFor, searchChunks } from './chunk.js';
import { LogError } from './errors.js';
import type { MemoryBudget } from './memory-budget.js';
import { type Slice, takeSlice } from './slice.js';
import { SliceCache } from './slice-cache.js';

/** How much of its history a log keeps. Infinity: no limit of that kind. */
export interface Retention {
  /** Of encoded frames. */
  readonly bytes: number;
  readonly records: number;
  /** Milliseconds since the append. */
  readonly ageMs: number;
}

export interface TopicLogOptions {
  /** Changes whenever the log's history is lost: an offset means something only together with it. */
  readonly epoch: string;
  readonly retention: Retention;
  readonly budget: MemoryBudget;
}

/**
 * The history of one topic: encoded frames, one after another, found by offset. It knows nothing of who reads it: a
 * reader is a number, the next offset that it wants, and costs nothing here.
 *
 * Offsets rise, and need not be consecutive from frame to frame; within a frame they are. Frames cease to be retained
 * one by one, exactly as the limits say; their memory is given back a chunk at a time.
 */
export class TopicLog {
  readonly epoch: string;
  #retention: Retention;
  readonly #budget: MemoryBudget;
  readonly #chunks: Chunk[] = [];
  readonly #cache = new SliceCache();
  /** The first retained frame of the oldest chunk. */
  #firstFrame = 0;
  #first = 1;
  #head = 0;
  #lastTimestampUs = 0;
  #allocated = 0;
  #reserved = 0;
  // Of bytes and records there are running totals since the log began; what is retained is their difference.
  #bytesAppended = 0;
  #bytesDropped = 0;
  #recordsAppended = 0;
  #recordsDropped = 0;

  constructor({ epoch, retention, budget }: TopicLogOptions) {
    this.epoch = epoch;
    this.#retention = retention;
    this.#budget = budget;
  }

  /** New limits, which hold from the next append, or the next look at ages, on. */
  set retention(retention: Retention) {
    this.#retention = retention;
  }

  /** The last offset appended; 0: none yet. It stays when the record itself is no longer retained. */
  get head(): number {
    return this.#head;
  }

  /** The first offset retained; `head + 1` when nothing is. */
  get first(): number {
    return this.#first;
  }

  /** Of the last append; 0: none yet. */
  get lastTimestampUs(): number {
    return this.#lastTimestampUs;
  }

  /** Retained frames, in bytes. */
  get bytes(): number {
    return this.#bytesAppended - this.#bytesDropped;
  }

  /** Retained records. */
  get records(): number {
    return this.#recordsAppended - this.#recordsDropped;
  }

  /** The memory of its chunks, in bytes. */
  get allocated(): number {
    return this.#allocated;
  }

  /**
   * Makes room for a frame of at most `size` bytes. The caller encodes it into the array returned, from `reservedAt`
   * on, and calls `commit`; a reservation that is not committed costs nothing.
   */
  reserve(size: number): Uint8Array {
    const tail = this.#chunks.at(-1);
    const chunk = tail?.hasRoom(size) ? tail : this.#addChunk(size);
    this.#reserved = size;
    return chunk.bytes;
  }

  /** Where in the reserved array the frame goes. */
  get reservedAt(): number {
    return this.#chunks.at(-1)?.used ?? 0;
  }

  /**
   * Appends the frame that has been written to the reserved room: `size` bytes, `records` records with the offsets
   * from `base` on. Then drops what is over the limits of retention, except for this very frame.
   *
   * @throws LogError NOT_RESERVED, OFFSET_NOT_RISING, TIMESTAMP_FALLING
   */
  commit(size: number, base: number, records: number, timestampUs: number): void {
    const tail = this.#chunks.at(-1);
    if (tail === undefined || size > this.#reserved) throw new LogError('NOT_RESERVED', `no room for ${size} bytes`);
    if (base <= this.#head || records < 1) {
      throw new LogError('OFFSET_NOT_RISING', `${records} records at ${base} cannot follow ${this.#head}`);
    }
    if (timestampUs < this.#lastTimestampUs) {
      throw new LogError('TIMESTAMP_FALLING', `${timestampUs} is before ${this.#lastTimestampUs}`);
    }
    const wasEmpty = this.#first > this.#head;
    this.#reserved = 0;
    this.#head = base + records - 1;
    this.#lastTimestampUs = timestampUs;
    this.#bytesAppended += size;
    this.#recordsAppended += records;
    tail.append(size, this.#head, timestampUs, records);
    if (wasEmpty) this.#first = base;
    this.#retain(tail, timestampUs);
  }

  /**
   * Whole frames of one chunk: from the one that holds `offset` (or, where there is no such offset, the next one) as
   * many as fit into `maxBytes`, but at least one, and none that begins at `until` or later. Undefined if there is
   * none. Readers at the same place are given the very same slice.
   */
  read(offset: number, maxBytes: number, until: number): Slice | undefined {
    const from = Math.max(offset, this.#first);
    const end = Math.min(until, this.#head + 1);
    if (from > this.#head) return undefined;
    const cached = this.#cache.get(from, maxBytes, end);
    if (cached !== undefined) return cached;
    const slice = takeSlice(this.#chunks[this.#find(Column.LAST, from)] as Chunk, from, maxBytes, end);
    if (slice !== undefined) this.#cache.put(from, maxBytes, end, slice);
    return slice;
  }

  /** The offset from which on `n` records are retained; `first` if there are fewer, `head + 1` for 0. */
  offsetOfLast(n: number): number {
    const skipped = this.#recordsAppended - Math.min(n, this.records);
    const chunk = this.#chunks[this.#find(Column.RECORDS, skipped + 1)];
    if (chunk === undefined) return this.#head + 1;
    const frame = chunk.search(Column.RECORDS, skipped + 1);
    return chunk.base(frame) + skipped - chunk.at(Column.RECORDS, frame - 1);
  }

  /** The offset of the first retained record that was appended at `us` or later; `head + 1` if there is none. */
  offsetAtTime(us: number): number {
    const chunk = this.#chunks[this.#find(Column.TIME, us)];
    if (chunk === undefined) return this.#head + 1;
    return Math.max(this.#first, chunk.base(chunk.search(Column.TIME, us)));
  }

  /** The bytes of retained frames that a reader who wants `offset` next has still to be sent. */
  bytesBehind(offset: number): number {
    const from = Math.max(offset, this.#first);
    const chunk = this.#chunks[this.#find(Column.LAST, from)];
    if (chunk === undefined) return 0;
    return this.#bytesAppended - chunk.at(Column.BYTES, chunk.search(Column.LAST, from) - 1);
  }

  /** Drops what is over age. The last frame may go too: an empty log still knows its head and its epoch. */
  expire(nowUs: number): void {
    const since = nowUs - this.#retention.ageMs * 1000;
    const oldest = this.#chunks[0];
    if (oldest === undefined || oldest.at(Column.TIME, this.#firstFrame) >= since) return;
    const index = this.#find(Column.TIME, since);
    this.#retainFrom(index, this.#chunks[index]?.search(Column.TIME, since) ?? 0);
  }

  /** Gives back the oldest chunk with all that it holds, if there is one. */
  dropOldest(): void {
    if (this.#chunks.length > 0) this.#retainFrom(1, 0);
  }

  /** Gives back everything. Whoever removes a topic calls it, so that the budget knows. */
  clear(): void {
    this.#retainFrom(this.#chunks.length, 0);
  }

  #addChunk(size: number): Chunk {
    const bytes = chunkBytesFor(size, this.bytes);
    const memory = this.#budget.allocate(this, bytes);
    this.#allocated += bytes;
    const { head, lastTimestampUs } = this;
    const chunk = new Chunk(memory, head, lastTimestampUs, this.#bytesAppended, this.#recordsAppended);
    this.#chunks.push(chunk);
    return chunk;
  }

  #retain(tail: Chunk, nowUs: number): void {
    // The running totals up to which frames go: what is over the limit, but never the newest frame.
    const newest = tail.frames - 1;
    const bytes = Math.min(this.#bytesAppended - this.#retention.bytes, tail.at(Column.BYTES, newest - 1));
    if (bytes > this.#bytesDropped) this.#dropThrough(Column.BYTES, bytes);
    const records = Math.min(this.#recordsAppended - this.#retention.records, tail.at(Column.RECORDS, newest - 1));
    if (records > this.#recordsDropped) this.#dropThrough(Column.RECORDS, records);
    this.expire(nowUs);
  }

  /** Drops frames until the running total of `column` has reached `total`. */
  #dropThrough(column: Column, total: number): void {
    const index = this.#find(column, total);
    this.#retainFrom(index, (this.#chunks[index] as Chunk).search(column, total) + 1);
  }

  #find(column: Column, wanted: number): number {
    return searchChunks(this.#chunks, column, wanted);
  }

  /** What is in front of a frame of a chunk (or behind the last one of it) is no longer retained. */
  #retainFrom(index: number, frame: number): void {
    let at = frame;
    let releases = index;
    while (this.#chunks[releases]?.frames === at) {
      releases++;
      at = 0;
    }
    for (; releases > 0; releases--) this.#releaseOldest();
    const oldest = this.#chunks[0];
    this.#firstFrame = at;
    this.#first = oldest?.base(at) ?? this.#head + 1;
    this.#bytesDropped = oldest?.at(Column.BYTES, at - 1) ?? this.#bytesAppended;
    this.#recordsDropped = oldest?.at(Column.RECORDS, at - 1) ?? this.#recordsAppended;
  }

  #releaseOldest(): void {
    const bytes = this.#chunks.shift()?.bytes.length ?? 0;
    this.#budget.release(this, bytes);
    this.#allocated -= bytes;
    // A slice at hand would keep the memory alive.
    this.#cache.clear();
  }
}
