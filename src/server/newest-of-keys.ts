import { MessagesView } from '../wire/index.js';
import { CONFLATION_BYTES_MAX, SCANNED_RECORD_COST } from './limits.js';
import type { Topic } from './topic.js';

/** What a key that has been seen takes besides its own bytes: about a string's header and its place in a set. */
const KEY_OVERHEAD = 64;

const view = new MessagesView();

/**
 * The newest record of each key, of a part of a topic that ends at `until`. It is found by going back from there, so the
 * first record of a key that is met is its newest one, and what has been found holds however far the search went on.
 */
export class NewestOfKeys {
  readonly topic: Topic;
  readonly until: number;
  /** From here on all records have been looked at. */
  #from: number;
  /** How far back somebody wants to know. */
  #wanted: number;
  /** Offsets, falling. */
  readonly #newest: number[] = [];
  /** It goes on while it may keep the keys it has seen: not once they are too many, nor when it has been put away. */
  #search: { keys: Set<string>; bytes: number } | 'full' | 'over' = { keys: new Set(), bytes: 0 };

  constructor(topic: Topic, wanted: number) {
    this.topic = topic;
    this.until = topic.sent;
    this.#from = topic.sent;
    this.#wanted = wanted;
  }

  /** The first offset that it tells of. */
  get from(): number {
    return this.#from;
  }

  /** Does it tell all that it ever will of what a cursor at `offset` has missed? */
  tells(offset: number): boolean {
    return offset < this.until && (this.#from <= offset || this.#search === 'full');
  }

  /** Is there nothing to look at any more, of what is wanted and retained? */
  get done(): boolean {
    return typeof this.#search === 'string' || this.#from <= Math.max(this.#wanted, this.topic.log.first);
  }

  /** Somebody who stands at `offset` wants to know. */
  want(offset: number): void {
    this.#wanted = Math.min(this.#wanted, offset);
  }

  /** Looks at whole batches, until that has cost about `budget` bytes or it is done. Returns what it cost. */
  advance(budget: number): number {
    let cost = 0;
    while (cost < budget && !this.done) cost += this.#lookAtBatch();
    return cost;
  }

  /** Goes no further back, and lets go of the keys. */
  putAway(): void {
    if (this.#search !== 'full') this.#search = 'over';
  }

  /** Forgets what is no longer retained. */
  trim(): void {
    let kept = this.#newest.length;
    while (kept > 0 && (this.#newest[kept - 1] as number) < this.topic.log.first) kept--;
    this.#newest.length = kept;
  }

  /** The first record at `offset` or behind it that is the newest of its key; Infinity: there is none. */
  next(offset: number): number {
    let low = 0;
    let high = this.#newest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#newest[middle] as number) >= offset) low = middle + 1;
      else high = middle;
    }
    return this.#newest[low - 1] ?? Number.POSITIVE_INFINITY;
  }

  #lookAtBatch(): number {
    const bytes = this.topic.log.read(this.#from - 1, 1, this.#from)?.bytes;
    if (bytes === undefined || typeof this.#search === 'string') return 0;
    view.read(bytes, 0);
    for (let i = view.count - 1; i >= 0; i--) {
      // As latin1, which is one character a byte and cannot fail: a key is only compared.
      const key = bytes.toString('latin1', view.keyStarts[i], view.keyEnds[i]);
      const known = this.#search.keys.size;
      if (this.#search.keys.add(key).size === known) continue;
      this.#newest.push(view.baseOffset + i);
      this.#search.bytes += key.length + KEY_OVERHEAD;
      if (this.#search.bytes < CONFLATION_BYTES_MAX) continue;
      this.#search = 'full';
      this.#from = view.baseOffset + i;
      return bytes.length + (view.count - i) * SCANNED_RECORD_COST;
    }
    this.#from = view.prevOffset + 1;
    return bytes.length + view.count * SCANNED_RECORD_COST;
  }
}
