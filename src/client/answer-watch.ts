import type { ClientWorld } from './world.js';

/**
 * An answer of which nothing has come after so long will not come: the request or the answer was lost to a link that
 * damages frames, or the server hangs. Twice the longest heartbeat interval.
 */
const ANSWER_TIMEOUT_MS = 30_000;

interface Asked {
  /** When it was asked, or when a part of its answer came. */
  readonly sinceMs: number;
  /** How long the server was asked to wait before it answers. */
  readonly waitMs: number;
}

/** Watches over the requests of one link that must be answered, with one timer for all of them. */
export class AnswerWatch {
  readonly #world: ClientWorld;
  readonly #overdue: () => void;
  readonly #asked = new Map<number, Asked>();
  #cancel: (() => void) | undefined;
  /** Set while this end does not read: told that somebody waits for an answer. */
  #awaited: (() => void) | undefined;

  constructor(world: ClientWorld, overdue: () => void) {
    this.#world = world;
    this.#overdue = overdue;
  }

  /** @param waitMs how long the server may wait before it answers */
  asked(requestId: number, waitMs = 0): void {
    this.#asked.set(requestId, { sinceMs: this.#world.clock.monotonicMs(), waitMs });
    if (this.#cancel === undefined) this.#arm(ANSWER_TIMEOUT_MS);
    this.#awaited?.();
  }

  /** A part of the answer has come, and for the rest the time begins anew. */
  progressed(requestId: number): void {
    if (this.#asked.has(requestId)) this.asked(requestId);
  }

  answered(requestId: number): void {
    this.#asked.delete(requestId);
  }

  /** Nothing that was asked until now has an answer that matters any more. */
  forget(): void {
    this.#asked.clear();
  }

  /** This end stops reading: no answer can come, so the time does not count. `awaited`: one is waited for, all the same. */
  hold(awaited: () => void): void {
    this.#awaited = awaited;
    if (this.#asked.size > 0) awaited();
  }

  /** This end reads again, and the time begins anew. */
  release(): void {
    this.#awaited = undefined;
    const sinceMs = this.#world.clock.monotonicMs();
    for (const [requestId, { waitMs }] of this.#asked) this.#asked.set(requestId, { sinceMs, waitMs });
  }

  stop(): void {
    this.#asked.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(ms: number): void {
    this.#cancel = this.#world.scheduler.after(ms, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    if (this.#asked.size === 0) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { sinceMs, waitMs } of this.#asked.values()) {
      dueMs = Math.min(dueMs, sinceMs + waitMs + ANSWER_TIMEOUT_MS);
    }
    const leftMs = dueMs - this.#world.clock.monotonicMs();
    if (this.#awaited !== undefined) this.#arm(ANSWER_TIMEOUT_MS);
    // No later than a request that is asked in the meantime could be due.
    else if (leftMs > 0) this.#arm(Math.min(leftMs, ANSWER_TIMEOUT_MS));
    else this.#overdue();
  }
}
