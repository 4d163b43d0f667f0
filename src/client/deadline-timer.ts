import type { ClientWorld } from './world.js';

const NEVER = Number.POSITIVE_INFINITY;

/** The one timer for all deadlines of a link. One that has moved later needs nothing: it is looked at early. */
export class DeadlineTimer {
  readonly #world: ClientWorld;
  readonly #expire: (nowMs: number) => number;
  /** When it will go off, in milliseconds of the monotonic clock. */
  #armedMs = NEVER;
  #disarm: () => void = () => {};

  /** @param expire acts on the deadlines that are due and returns the next one; Infinity: none */
  constructor(world: ClientWorld, expire: (nowMs: number) => number) {
    this.#world = world;
    this.#expire = expire;
  }

  /** Makes sure that the deadlines are looked at by then. */
  arm(earliestMs: number): void {
    if (earliestMs >= this.#armedMs) return;
    this.#disarm();
    this.#armedMs = earliestMs;
    const waitMs = Math.max(0, earliestMs - this.#world.clock.monotonicMs());
    this.#disarm = this.#world.scheduler.after(waitMs, () => this.#due());
  }

  stop(): void {
    this.#disarm();
  }

  /** After a stall of this process, what has queued up meanwhile is read before anyone is judged. */
  #due(): void {
    this.#world.scheduler.soon(() => {
      this.#armedMs = NEVER;
      this.arm(this.#expire(this.#world.clock.monotonicMs()));
    });
  }
}
