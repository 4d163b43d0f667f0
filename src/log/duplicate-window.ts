import type { DuplicateBudget } from './duplicate-budget.js';
import { LogError } from './errors.js';
import { IdTable } from './id-table.js';
import { type HashSeed, halfSipHash } from './sip-hash.js';

/** How many ids a topic remembers. */
export const DUPLICATE_WINDOW_IDS = 100_000;
/** The longest id, in bytes. */
export const ID_BYTES_MAX = 64;

const SLOTS_MIN = 16;

export interface DuplicateWindowOptions {
  readonly seed: HashSeed;
  readonly budget: DuplicateBudget;
  /** How many ids it remembers at most; `DUPLICATE_WINDOW_IDS` if not given. */
  readonly capacity?: number;
}

/**
 * The last ids of a topic, with the offset that each one's record got: a record whose id is here has been appended
 * before. It is exact: an id that is not here is never found. The oldest go first, when there are too many of them in
 * this topic or in all topics together. A topic that never sees an id has no table; a table grows and shrinks with use.
 *
 * Ids are bytes within a larger array, so that none need be copied out of a frame to be looked up.
 */
export class DuplicateWindow {
  readonly #seed: HashSeed;
  readonly #budget: DuplicateBudget;
  readonly #capacity: number;
  #ids: IdTable | undefined;

  constructor({ seed, budget, capacity = DUPLICATE_WINDOW_IDS }: DuplicateWindowOptions) {
    this.#seed = seed;
    this.#budget = budget;
    this.#capacity = capacity;
  }

  /** How many ids it holds. */
  get size(): number {
    return this.#ids?.size ?? 0;
  }

  /** The offset that was added with this id; 0 if the id is not known. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (this.#ids === undefined) return 0;
    return this.#ids.find(halfSipHash(this.#seed, bytes, start, end), bytes, start, end);
  }

  /**
   * Adds an id that `find` does not know.
   *
   * @throws LogError ID_TOO_LONG
   */
  add(bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#append(halfSipHash(this.#seed, bytes, start, end), bytes, start, end, offset);
  }

  /**
   * The offset that was added with this id; 0 if it was not known, and from now on is, with `offset`. The same as
   * `find` and then `add`, at the price of one hash.
   *
   * @throws LogError ID_TOO_LONG
   */
  findOrAdd(bytes: Uint8Array, start: number, end: number, offset: number): number {
    const hash = halfSipHash(this.#seed, bytes, start, end);
    const known = this.#ids?.find(hash, bytes, start, end) ?? 0;
    if (known === 0) this.#append(hash, bytes, start, end, offset);
    return known;
  }

  /** Forgets the oldest id, if there is one. */
  forgetOldest(): void {
    const ids = this.#ids;
    if (ids === undefined) return;
    this.#budget.release(this, 1);
    ids.removeOldest();
    if (ids.size === 0) this.#ids = undefined;
    else if (ids.size < ids.slots / 4 && ids.slots > SLOTS_MIN) this.#ids = ids.resized(ids.slots / 2);
  }

  /** Forgets everything. Whoever removes a topic calls it, so that the budget knows. */
  clear(): void {
    this.#budget.release(this, this.size);
    this.#ids = undefined;
  }

  #append(hash: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
    const length = end - start;
    if (length > ID_BYTES_MAX) throw new LogError('ID_TOO_LONG', `an id of ${length} bytes`);
    // At its own limit it swaps one id for another, which is none of the budget's business.
    if (this.#ids?.size === this.#capacity) this.#ids.removeOldest();
    else this.#budget.take(this);
    this.#roomFor(length).add(hash, bytes, start, end, offset);
  }

  #roomFor(length: number): IdTable {
    this.#ids ??= new IdTable(SLOTS_MIN);
    if (!this.#ids.hasRoom(length)) {
      this.#ids = this.#ids.resized(this.#ids.size < this.#ids.slots ? this.#ids.slots : this.#ids.slots * 2);
    }
    return this.#ids;
  }
}
