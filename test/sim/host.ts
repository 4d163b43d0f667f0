import type { World } from './world.js';

/** The virtual wall clock begins here: 2025-01-01. */
const WALL_MS = 1_735_689_600_000;

/** 0: what comes from outside, and timers; 1: what is to happen at the end of the turn in which that was handled. */
type Phase = 0 | 1;

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
  /** What has come while it was busy, by phase, and the batch of one phase that it goes through now. */
  readonly #waiting: [(() => void)[], (() => void)[]] = [[], []];
  #batch: (() => void)[] = [];
  #phase: Phase = 0;
  #wakeup: 'none' | 'scheduled' = 'none';

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

  /** It is busy with something else for so long from now on, or longer if it was already. */
  stall(ms: number): void {
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#world.nowMs + ms);
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

  #schedule(atMs: number, phase: Phase, work: () => void): () => void {
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

  #whenFree(phase: Phase, work: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#wakeup === 'none' && this.#busyUntilMs <= this.#world.nowMs) return work();
    this.#waiting[phase].push(work);
    this.#wake();
  }

  /** Goes on when it is free, with whatever has come until then. */
  #wake(): void {
    if (this.#wakeup === 'scheduled') return;
    this.#wakeup = 'scheduled';
    this.#world.at(this.#busyUntilMs, () => this.#goOn(), 1);
  }

  #goOn(): void {
    this.#wakeup = 'none';
    while (this.#state === 'alive') {
      if (this.#batch.length + this.#waiting[0].length + this.#waiting[1].length === 0) return;
      if (this.#busyUntilMs > this.#world.nowMs) return this.#wake();
      this.#next()?.();
    }
  }

  /** As in a real loop: all that has come from outside, then all ends of turns, then what has come meanwhile. */
  #next(): (() => void) | undefined {
    if (this.#batch.length === 0) {
      this.#phase = this.#phase === 0 ? 1 : 0;
      this.#batch = this.#waiting[this.#phase].splice(0);
    }
    return this.#batch.shift();
  }
}
