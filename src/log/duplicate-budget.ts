import { WeightClasses } from './weight-classes.js';

/** How many ids are remembered over all topics: at 20 bytes each, some 60 MB. */
export const DUPLICATE_IDS_MAX = 1_000_000;

/** What a budget needs of a window. */
export interface IdHolder {
  /** How many ids it holds. */
  readonly size: number;
  /** Forgets the oldest of them. */
  forgetOldest(): void;
}

/**
 * The bound of how many ids all duplicate windows of a process hold together. When it is reached, the window that
 * holds most (to a resolution of 9 %; among equals the one that has been as large for longest) forgets its oldest id
 * for each one that is added anywhere.
 */
export class DuplicateBudget {
  readonly limit: number;
  readonly #holders = new WeightClasses<IdHolder>();
  #ids = 0;

  /** `limit` is 1 or more. */
  constructor(limit = DUPLICATE_IDS_MAX) {
    this.limit = limit;
  }

  /** How many ids all windows hold. */
  get ids(): number {
    return this.#ids;
  }

  /** `holder` will hold one more id; its `size` goes up on return. */
  take(holder: IdHolder): void {
    if (this.#ids === this.limit) this.#holders.heaviest()?.forgetOldest();
    this.#holders.move(holder, holder.size, holder.size + 1);
    this.#ids++;
  }

  /** `holder` gives up `count` ids; its `size` goes down on return. */
  release(holder: IdHolder, count: number): void {
    this.#holders.move(holder, holder.size, holder.size - count);
    this.#ids -= count;
  }
}
