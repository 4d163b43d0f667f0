import { setTimeout as pause } from 'node:timers/promises';

/** Timers are no finer than this; records that are due within it go out together. */
const TICK_MS = 1;
/** What a late timer, or a busy machine, has held up for longer is not made up for by a burst. */
const CATCH_UP_MS = 20;

/** Lets records through at a steady rate. */
export class Pacer {
  readonly #everyMs: number;
  #dueMs = 0;

  constructor(perSecond: number) {
    this.#everyMs = 1_000 / perSecond;
  }

  /** Waits for the turn of the next record, or until the signal is aborted. */
  async turn(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const dueMs = Math.max(this.#dueMs, nowMs - CATCH_UP_MS);
    this.#dueMs = dueMs + this.#everyMs;
    if (dueMs - nowMs >= TICK_MS) await pause(dueMs - nowMs, undefined, { signal }).catch(() => {});
  }
}
