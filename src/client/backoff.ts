/** The first wait is up to this; each further one up to twice as long. */
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A link that lived so long was a good one: the next wait is a first one again. */
const STABLE_MS = 10_000;

/** Of a server that asks for longer, one field is wrong: nobody meant a client to stay away for weeks. */
const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1_000;

/** How a link came to its end: it never came to be, or it was lost after so many milliseconds. */
export type LinkFate = { readonly type: 'unreachable' } | { readonly type: 'lost'; readonly upMs: number };

/**
 * How long to wait before the next dial: exponential with full jitter, so that a crowd that lost its links at the same
 * moment does not come back at the same moment. What the server asks for is the least, up to
 * a day.
 */
export class Backoff {
  readonly #random: { next(): number };
  #attempt = 0;

  constructor(random: { next(): number }) {
    this.#random = random;
  }

  /** Tries since a link was last stable. */
  get attempt(): number {
    return this.#attempt;
  }

  /** A link has ended; returns the wait in milliseconds. */
  next(fate: LinkFate, retryAfterMs: number): number {
    if (fate.type === 'lost' && fate.upMs >= STABLE_MS) this.#attempt = 0;
    const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    return Math.max(Math.min(retryAfterMs, RETRY_AFTER_MAX_MS), Math.round(ceilingMs * this.#random.next()));
  }
}
