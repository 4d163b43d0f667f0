import { WeightClasses } from './weight-classes.js';

/** What a budget needs of a log. */
export interface MemoryHolder {
  /** The memory that it holds, in bytes. */
  readonly allocated: number;
  /** Gives back its oldest chunk. */
  dropOldest(): void;
}

/**
 * The bound of the memory that all logs of a process hold together. When it is reached, the log that holds most (to
 * a resolution of 9 %) gives up its oldest chunk first.
 *
 * Room is made before memory is handed out. So a chunk that is being written is never the one to go: it does not exist
 * yet. A chunk that alone is larger than the limit is handed out all the same, once nothing else is left, because a
 * record that has been accepted must have a place.
 */
export class MemoryBudget {
  /** In bytes; Infinity: none. A lower one holds from the next allocation on. */
  limit: number;
  readonly #newMemory: (size: number) => ArrayBufferLike;
  readonly #holders = new WeightClasses<MemoryHolder>();
  #bytes = 0;

  /**
   * `limit` in bytes; Infinity: none.
   *
   * The default is memory of one thread, whose size the garbage collector is aware of. It is not aware of that of a
   * SharedArrayBuffer: with those, some hundreds of megabytes of forgotten chunks pile up between two collections.
   */
  constructor(limit: number, newMemory: (size: number) => ArrayBufferLike = (size) => new ArrayBuffer(size)) {
    this.limit = limit;
    this.#newMemory = newMemory;
  }

  /** The memory that all logs hold, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory for a new chunk of `holder`, which adds `size` to its `allocated` on return. */
  allocate(holder: MemoryHolder, size: number): ArrayBufferLike {
    while (this.#bytes + size > this.limit) {
      const heaviest = this.#holders.heaviest();
      if (heaviest === undefined) break;
      heaviest.dropOldest();
    }
    this.#holders.move(holder, holder.allocated, holder.allocated + size);
    this.#bytes += size;
    return this.#newMemory(size);
  }

  /** `holder` gives up a chunk of `size` bytes, and subtracts it from its `allocated` on return. */
  release(holder: MemoryHolder, size: number): void {
    this.#holders.move(holder, holder.allocated, holder.allocated - size);
    this.#bytes -= size;
  }
}
