import type { ClientWorld } from './world.js';

/**
 * An answer that has not come after so long will not come: the request or the answer was lost to a link that damages
 * frames, or the server hangs. Twice the longest heartbeat interval.
 */
export const ANSWER_TIMEOUT_MS = 30_000;

/** Watches over the requests of one link that must be answered, with one timer for all of them. */
export class AnswerWatch {
  readonly #world: ClientWorld;
  readonly #overdue: () => void;
  /** When each was asked; the oldest first. */
  readonly #asked = new Map<number, number>();
  #cancel: (() => void) | undefined;
  #reading: 'yes' | 'held' = 'yes';

  constructor(world: ClientWorld, overdue: () => void) {
    this.#world = world;
    this.#overdue = overdue;
  }

  asked(requestId: number): void {
    this.#asked.set(requestId, this.#world.clock.monotonicMs());
    if (this.#cancel === undefined) this.#arm(ANSWER_TIMEOUT_MS);
  }

  answered(requestId: number): void {
    this.#asked.delete(requestId);
  }

  /** This end stops reading: no answer can come, so the time does not count. */
  hold(): void {
    this.#reading = 'held';
  }

  /** This end reads again, and the time begins anew. */
  release(): void {
    this.#reading = 'yes';
    const nowMs = this.#world.clock.monotonicMs();
    for (const requestId of this.#asked.keys()) this.#asked.set(requestId, nowMs);
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
    const [oldestMs] = this.#asked.values();
    if (oldestMs === undefined) return;
    const leftMs = oldestMs + ANSWER_TIMEOUT_MS - this.#world.clock.monotonicMs();
    if (this.#reading === 'held') this.#arm(ANSWER_TIMEOUT_MS);
    else if (leftMs > 0) this.#arm(leftMs);
    else this.#overdue();
  }
}
