/** Half a word for each hash: about 3 in 100 hashes that were never added pass. */
const HASHES_PER_WORD = 2;

/**
 * A Bloom filter over the last hashes that were added, which forgets the older ones by halves: there are two
 * generations, and when the newer one is full it becomes the older one and the older one starts afresh. So what it
 * holds is always at least the last `capacity` additions, and never more than twice as many.
 *
 * All bits of a hash lie in one word of 32, so that a look costs one access to memory for each generation.
 */
export class RotatingBloom {
  readonly #capacity: number;
  #newer: Uint32Array;
  #older: Uint32Array;
  #added = 0;

  /** `capacity` is a power of two, of hashes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#newer = new Uint32Array(capacity / HASHES_PER_WORD);
    this.#older = new Uint32Array(capacity / HASHES_PER_WORD);
  }

  add(hash: number): void {
    if (this.#added === this.#capacity) {
      const emptied = this.#older.fill(0);
      this.#older = this.#newer;
      this.#newer = emptied;
      this.#added = 0;
    }
    this.#newer[hash & (this.#newer.length - 1)] |= bitsOf(hash);
    this.#added++;
  }

  /** False: none of the last `capacity` additions was this one. True: it may have been. */
  mayHold(hash: number): boolean {
    const word = hash & (this.#newer.length - 1);
    const bits = bitsOf(hash);
    return ((this.#newer[word] as number) & bits) === bits || ((this.#older[word] as number) & bits) === bits;
  }
}

/** Three bits of 32. The low bits of the hash have chosen the word, so that it is mixed once more. */
function bitsOf(hash: number): number {
  const mixed = Math.imul(hash, 0x9e3779b1);
  return (1 << (mixed >>> 27)) | (1 << ((mixed >>> 22) & 31)) | (1 << ((mixed >>> 17) & 31));
}
