import type { Slice } from './slice.js';

interface Entry {
  readonly offset: number;
  readonly maxBytes: number;
  readonly until: number;
  readonly slice: Slice;
}

/**
 * The last two slices of a log that were taken, so that readers who stand at the same place share one and nothing is
 * allocated for each. Two, because those at the head and those who are catching up take turns.
 */
export class SliceCache {
  #newer: Entry | undefined;
  #older: Entry | undefined;

  /** The slice that a read with these arguments would give, if it is at hand. */
  get(offset: number, maxBytes: number, until: number): Slice | undefined {
    if (answers(this.#newer, offset, maxBytes, until)) return this.#newer.slice;
    return answers(this.#older, offset, maxBytes, until) ? this.#older.slice : undefined;
  }

  put(offset: number, maxBytes: number, until: number, slice: Slice): void {
    this.#older = this.#newer;
    this.#newer = { offset, maxBytes, until, slice };
  }

  /** Forgets what it has, and with it the last hold on memory that the log gives back. */
  clear(): void {
    this.#newer = undefined;
    this.#older = undefined;
  }
}

/** What ended the slice matters: one that `until` did not cut off is the answer for any later `until` too. */
function answers(entry: Entry | undefined, offset: number, maxBytes: number, until: number): entry is Entry {
  if (entry === undefined || entry.offset !== offset || entry.maxBytes !== maxBytes) return false;
  return entry.until === until || (entry.slice.next < entry.until && entry.slice.next <= until);
}
