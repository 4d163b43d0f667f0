import { crc32 } from 'node:zlib';
import { EventQueue } from './event-queue.js';

/** A rule that must always hold does not. */
export class InvariantBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantBroken';
  }
}

export function must(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new InvariantBroken(message());
}

/** More events than this are a loop. */
const EVENTS_MAX = 5_000_000;
/** How often it is looked whether something has come to pass, in milliseconds. */
const LOOK_MS = 50;
/** Lines of the trace that are kept to be shown with a failure. */
const TRACE_LINES_MAX = 2_000;

/** Virtual time, and all that happens in it. Everything that happens is traced, so that two runs can be compared. */
export class World {
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #sequence = 0;
  #events = 0;
  #hash = 0;
  readonly #lines: string[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have happened. */
  get events(): number {
    return this.#events;
  }

  /** Of everything traced so far. */
  get traceHash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  /** What was traced last. */
  get trace(): readonly string[] {
    return this.#lines;
  }

  note(text: string): void {
    const line = `${this.#nowMs.toFixed(3)} ${text}`;
    this.#hash = crc32(line, this.#hash);
    this.#lines.push(line);
    if (this.#lines.length > TRACE_LINES_MAX) this.#lines.splice(0, TRACE_LINES_MAX / 2);
  }

  /** Has `run` happen at that time, or now if that is past. */
  at(atMs: number, run: () => void, phase: 0 | 1 = 0): void {
    this.#sequence += 1;
    this.#queue.push({ atMs: Math.max(atMs, this.#nowMs), phase, sequence: this.#sequence, run });
  }

  after(ms: number, run: () => void): void {
    this.at(this.#nowMs + ms, run);
  }

  /** Lets things happen until that time; promises are kept between one event and the next. */
  async until(atMs: number): Promise<void> {
    let state: 'waiting' | 'reached' = 'waiting';
    this.at(atMs, () => {
      state = 'reached';
    });
    while (state === 'waiting') {
      const event = this.#queue.pop();
      must(event !== undefined, () => 'nothing happens any more');
      this.#nowMs = event.atMs;
      this.#events += 1;
      must(this.#events < EVENTS_MAX, () => `${EVENTS_MAX} events, and no end`);
      event.run();
      await undefined;
    }
  }

  /** Lets things happen until nothing is `left`, which must come to pass in time. */
  async untilNothing(what: string, left: () => string | undefined, withinMs: number): Promise<void> {
    const deadlineMs = this.nowMs + withinMs;
    for (let still = left(); still !== undefined; still = left()) {
      must(this.nowMs <= deadlineMs, () => `not ${what} after ${withinMs} ms: ${still}`);
      await this.until(this.nowMs + LOOK_MS);
    }
  }
}
