/**
 * One timer for any number of deadlines: a wheel of buckets. An item is in the bucket of its deadline; advancing the
 * wheel visits the buckets that have come due and asks each item for its next deadline. Deadlines that move later
 * cost nothing: the item is looked at in its old bucket and put on to the new one.
 *
 * Items due beyond the wheel's horizon wait in its last bucket and are put on from there.
 */
export interface WheelItem {
  /** Where the wheel keeps the item; -1: nowhere. Belongs to the wheel. */
  wheelSlot: number;
  /** Looks at what is due and returns the next deadline in milliseconds; Infinity: none. */
  expire(nowMs: number): number;
}

const SLOTS = 1024;

export class TimerWheel {
  readonly #resolutionMs: number;
  readonly #slots: (Set<WheelItem> | undefined)[] = new Array(SLOTS);
  /** The tick, in units of the resolution, up to which everything has been visited. */
  #tick: number;
  #size = 0;

  constructor(resolutionMs: number, nowMs: number) {
    this.#resolutionMs = resolutionMs;
    this.#tick = Math.floor(nowMs / resolutionMs);
  }

  /** How many items are kept. */
  get size(): number {
    return this.#size;
  }

  /** Puts the item where it is looked at no earlier than `atMs`, and less than one resolution later; moves it if it is kept already. */
  schedule(item: WheelItem, atMs: number): void {
    this.remove(item);
    if (atMs === Number.POSITIVE_INFINITY) return;
    const due = Math.ceil(atMs / this.#resolutionMs);
    const tick = Math.min(Math.max(due, this.#tick + 1), this.#tick + SLOTS - 1);
    const slot = tick % SLOTS;
    const bucket = this.#slots[slot] ?? new Set();
    this.#slots[slot] = bucket;
    bucket.add(item);
    item.wheelSlot = slot;
    this.#size += 1;
  }

  remove(item: WheelItem): void {
    if (item.wheelSlot < 0) return;
    const bucket = this.#slots[item.wheelSlot];
    bucket?.delete(item);
    if (bucket?.size === 0) this.#slots[item.wheelSlot] = undefined;
    item.wheelSlot = -1;
    this.#size -= 1;
  }

  /** Visits everything that is due. After a stall longer than the horizon each bucket is visited once. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.#resolutionMs);
    for (let tick = Math.max(this.#tick + 1, target - SLOTS + 1); tick <= target; tick++) {
      // Kept up to date on the way, so that nothing is put into the bucket that is being emptied.
      this.#tick = tick;
      const slot = tick % SLOTS;
      const bucket = this.#slots[slot];
      if (bucket === undefined) continue;
      this.#slots[slot] = undefined;
      for (const item of bucket) {
        // An item may be removed, or put elsewhere, by what an earlier one of the same bucket did.
        if (item.wheelSlot !== slot) continue;
        item.wheelSlot = -1;
        this.#size -= 1;
        this.schedule(item, item.expire(nowMs));
      }
    }
  }
}
