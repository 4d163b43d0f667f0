import type { Clock, Randomness, Scheduler } from '../../src/server/index.js';

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

/** More turns than any conversation needs without the clock moving: past it something goes round in circles. */
const TURNS_MAX = 1_000_000;

/** A clock set by hand, and queues of work that run when told. Nothing happens by itself. */
export class VirtualTime implements Clock, Scheduler {
  nowMs: number;
  /** How far the wall clock has been set forward, or back if negative. */
  wallShiftMs = 0;
  #soon: (() => void)[] = [];
  #timers: Timer[] = [];

  /** Begins at a time that is no multiple of anything, as real ones do. */
  constructor(startMs = 123_457.25) {
    this.nowMs = startMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  wallUs(): number {
    return Math.round((1_700_000_000_000 + this.wallShiftMs + this.nowMs) * 1000);
  }

  soon(work: () => void): void {
    this.#soon.push(work);
  }

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** One turn of the event loop: what was put off until now, but not what that puts off in turn. False: nothing was. */
  turn(): boolean {
    const works = this.#soon;
    this.#soon = [];
    for (const work of works) work();
    return works.length > 0;
  }

  /** Turns until nothing is left to do at this time. */
  run(): void {
    for (let turns = 0; this.turn(); turns++) {
      if (turns > TURNS_MAX) throw new Error('the event loop never comes to rest');
    }
  }

  /** Lets so much time pass, with every timer fired when it is due. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.run();
    for (let due = this.#takeDue(untilMs); due !== undefined; due = this.#takeDue(untilMs)) {
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.work();
      this.run();
    }
    this.nowMs = untilMs;
  }

  /** Time passes and this process sleeps: nothing runs, not even what is due, until it is woken. */
  sleep(ms: number): void {
    this.nowMs += ms;
  }

  /** The timers that are due fire, and one turn follows: the first thing that a process does that has slept. */
  wake(): void {
    for (let due = this.#takeDue(this.nowMs); due !== undefined; due = this.#takeDue(this.nowMs)) due.work();
  }

  #takeDue(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.atMs <= untilMs && timer.atMs < (first?.atMs ?? Infinity)) first = timer;
    if (first !== undefined) this.#timers = this.#timers.filter((other) => other !== first);
    return first;
  }
}

/** Seeded randomness (mulberry32), and names that count up. */
export class SeededRandom implements Randomness {
  #state: number;
  #names = 0;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  unique(): string {
    this.#names += 1;
    return `unique-${this.#names}`;
  }

  seed(): { low: number; high: number } {
    return { low: (this.next() * 2 ** 32) >>> 0, high: (this.next() * 2 ** 32) >>> 0 };
  }
}
