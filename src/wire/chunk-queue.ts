import { readUint32 } from './frame.js';

const EMPTY = new Uint8Array(0);

/**
 * A chunk below this size that comes behind another is copied into a block of the queue's own, so that a storm of
 * one-byte chunks costs neither an object nor a pinned socket buffer for each byte. A copy of 4 KiB is far cheaper than
 * what comes with a chunk anyway (a read system call).
 */
const MERGE_BELOW_BYTES = 4096;
/** The queue's own blocks double from the first size to the second while small chunks keep coming. */
const BLOCK_BYTES_MIN = 1024;
const BLOCK_BYTES_MAX = 64 * 1024;

/**
 * Inbound bytes in order. Chunks are taken as they are, never copied, and never written to; what is asked for is handed
 * out in place where it lies in one chunk, and copied only where it lies across several. Bytes once handed out are
 * never overwritten. The number of chunks held is at most 2 + size / 2 KiB.
 */
export class ChunkQueue {
  /** Bytes held. */
  size = 0;
  /** Where `gather` has put its bytes. */
  bytes: Uint8Array = EMPTY;
  start = 0;

  readonly #chunks: Uint8Array[] = [];
  /** Where the used part of each chunk ends. */
  readonly #ends: number[] = [];
  /** Where the used part of the first chunk starts. */
  #front = 0;
  /** The last chunk is a block of the queue's own, and more may be written behind its end. */
  #tailIsOwn = false;

  /** How many chunks are held. */
  get chunkCount(): number {
    return this.#chunks.length;
  }

  /** Takes a chunk over: nobody may write to it from here on. */
  append(chunk: Uint8Array): void {
    if (chunk.length === 0) {
      return;
    }
    if (this.size > 0 && chunk.length < MERGE_BELOW_BYTES) {
      this.#merge(chunk);
    } else {
      this.#add(chunk, chunk.length, false);
    }
    this.size += chunk.length;
  }

  /** The byte at a distance below `size` from the front. */
  byteAt(distance: number): number {
    let at = this.#front + distance;
    let index = 0;
    while (at >= this.#ends[index]) {
      at -= this.#ends[index];
      index += 1;
    }
    return this.#chunks[index][at];
  }

  /** The first four bytes, of at least four, as a big-endian number. */
  uint32(): number {
    if (this.#front + 4 <= this.#ends[0]) {
      return readUint32(this.#chunks[0], this.#front);
    }
    return ((this.byteAt(0) << 24) | (this.byteAt(1) << 16) | (this.byteAt(2) << 8) | this.byteAt(3)) >>> 0;
  }

  /** Makes the first `count` of at least so many bytes lie in one piece, at `bytes[start…]`. They stay in the queue. */
  gather(count: number): void {
    if (this.#front + count > this.#ends[0]) {
      this.#join(count);
    }
    this.bytes = this.#chunks[0];
    this.start = this.#front;
  }

  /** Drops `count` bytes, or all if there are fewer; returns how many. */
  skip(count: number): number {
    const skipped = Math.min(count, this.size);
    this.size -= skipped;
    this.#front += skipped;
    while (this.#chunks.length > 0 && this.#front >= this.#ends[0]) {
      this.#front -= this.#ends[0];
      this.#chunks.shift();
      this.#ends.shift();
    }
    if (this.size === 0) {
      this.bytes = EMPTY;
    }
    return skipped;
  }

  #add(chunk: Uint8Array, end: number, own: boolean): void {
    this.#chunks.push(chunk);
    this.#ends.push(end);
    this.#tailIsOwn = own;
  }

  #merge(chunk: Uint8Array): void {
    const last = this.#chunks.length - 1;
    const fill = this.#ends[last];
    const block = this.#chunks[last];
    if (this.#tailIsOwn && fill + chunk.length <= block.length) {
      block.set(chunk, fill);
      this.#ends[last] = fill + chunk.length;
      return;
    }
    const doubled = this.#tailIsOwn ? Math.min(block.length * 2, BLOCK_BYTES_MAX) : BLOCK_BYTES_MIN;
    const next = new Uint8Array(Math.max(doubled, chunk.length));
    next.set(chunk);
    this.#add(next, chunk.length, true);
  }

  /**
   * Copies the first `count` bytes into one block, which takes the place of the chunks they came from. It is exactly
   * full, as is what is left of the last of them, so nothing can be written behind either.
   */
  #join(count: number): void {
    const block = new Uint8Array(count);
    const pieces: Uint8Array[] = [block];
    let filled = 0;
    let used = 0;
    while (filled < count) {
      const from = used === 0 ? this.#front : 0;
      const to = Math.min(this.#ends[used], from + count - filled);
      block.set(this.#chunks[used].subarray(from, to), filled);
      if (to < this.#ends[used]) {
        pieces.push(this.#chunks[used].subarray(to, this.#ends[used]));
      }
      filled += to - from;
      used += 1;
    }
    this.#chunks.splice(0, used, ...pieces);
    this.#ends.splice(0, used, ...pieces.map((piece) => piece.length));
    this.#front = 0;
  }
}
