import { BACKLOG_BYTES_PER_TURN } from './limits.js';
import { NewestOfKeys } from './newest-of-keys.js';
import type { Topic } from './topic.js';

/**
 * Knows which records are the newest of their keys, for all cursors that conflate: what one of them has had found out
 * serves all that stand in the same topic. One search is under way at a time, for it has to remember the keys that it
 * has met; whoever waits for another one helps that one to its end, and pays for it out of its own turn.
 */
export class Conflator {
  readonly #found = new Map<Topic, NewestOfKeys>();
  #search: NewestOfKeys | undefined;

  /** What is the newest of each key behind `offset`; or, if that is not known yet, what a step towards it has cost. */
  newest(topic: Topic, offset: number): NewestOfKeys | number {
    const found = this.#found.get(topic);
    if (found?.tells(offset)) return found;
    return this.#searchFor(topic, offset, found).advance(BACKLOG_BYTES_PER_TURN);
  }

  /**
   * Drops what nobody who is behind can ask for. To be called about once a second: so long a search is kept though its
   * last reader has gone, or one who comes and goes could have it made again and again.
   */
  sweep(): void {
    for (const [topic, found] of this.#found) {
      if (topic.cursors > 0) found.trim();
      else this.#found.delete(topic);
    }
    if (this.#search !== undefined && !this.#isWanted(this.#search)) this.#search = undefined;
  }

  /** The search to go on with. */
  #searchFor(topic: Topic, offset: number, found: NewestOfKeys | undefined): NewestOfKeys {
    const search = this.#search;
    if (search !== undefined && search === found && offset < search.until) {
      search.want(offset);
      return search;
    }
    if (search !== undefined && !search.done && this.#isWanted(search)) return search;
    search?.putAway();
    const begun = new NewestOfKeys(topic, offset);
    this.#search = begun;
    this.#found.set(topic, begun);
    return begun;
  }

  #isWanted(search: NewestOfKeys): boolean {
    return search.topic.cursors > 0 && this.#found.get(search.topic) === search;
  }
}
