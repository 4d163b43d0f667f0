import type { World } from './world.js';

/** The virtual wall clock begins here: 2025-01-01. */
const WALL_MS = 1_735_689_600_000;

/**
 * A process with its event loop: the clock and the scheduler of whatever runs in it. What is to happen while it is busy
 * happens when it has come to itself again, in order; when it is dead, never.
 */
export class Host {
  readonly name: string;
  readonly #world: World;
  /** What each look at the clock costs, so that work takes time. */
  readonly #costMs: number;
  #state: 'alive' | 'dead' = 'alive';
  #busyUntilMs = 0;
  #wallSkewMs = 0;
  #pending = 0;

  constructor(name: string, world: World, costMs: number) {
    this.name = name;
    this.#world = world;
    this.#costMs = costMs;
  }

  readonly clock = {
    monotonicMs: (): number => {
      this.#busyUntilMs = this.#nowMs + this.#costMs;
      return this.#busyUntilMs;
    },
    wallUs: (): number => Math.round((WALL_MS + this.#wallSkewMs + this.#nowMs) * 1000),
  };

  readonly scheduler = {
    soon: (work: () => void): void => void this.#schedule(this.#nowMs, 1, work),
    after: (ms: number, work: () => void): (() => void) => this.#schedule(this.#nowMs + ms, 0, work),
  };

  /** Timers and turns that it waits for. */
  get pending(): number {
    return this.#pending;
  }

  get alive(): boolean {
    return this.#state === 'alive';
  }

  /** Something comes from outside, now. */
  tell(work: () => void): void {
    this.#whenFree(0, work);
  }

  /** It is busy with something else for so long. */
  stall(ms: number): void {
    this.#busyUntilMs = this.#nowMs + ms;
  }

  /** Somebody sets its wall clock. */
  setWall(skewMs: number): void {
    this.#wallSkewMs = skewMs;
  }

  /** The process is gone, and with it all that it was about to do. */
  kill(): void {
    this.#state = 'dead';
  }

  get #nowMs(): number {
    return Math.max(this.#world.nowMs, this.#busyUntilMs);
  }

  #schedule(atMs: number, phase: 0 | 1, work: () => void): () => void {
    let state: 'waiting' | 'over' = 'waiting';
    const end = () => {
      if (state === 'over') return;
      state = 'over';
      this.#pending -= 1;
    };
    this.#pending += 1;
    this.#world.at(
      atMs,
      () =>
        this.#whenFree(phase, () => {
          if (state === 'over') return;
          end();
          work();
        }),
      phase,
    );
    return end;
  }

  #whenFree(phase: 0 | 1, work: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#busyUntilMs <= this.#world.nowMs) work();
    else this.#world.at(this.#busyUntilMs, () => this.#whenFree(phase, work), phase);
  }
}
