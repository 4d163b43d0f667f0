/**
 * Deadlines are data: a table of named points in time. The owner arms one real timer for the earliest, and a spurious
 * wake-up is a no-op.
 */
export const DEADLINES = [
  /** HELLO (or WELCOME) must have been taken by then. */
  'handshake',
  /** A frame that has begun must be whole by then. */
  'frame',
  /** The next look at how long the peer has been silent. */
  'heartbeat',
  /** Bytes that wait to be written must have moved by then. */
  'write',
  /** A closing link that its peer does not let go of is destroyed then. */
  'linger',
] as const;
export type DeadlineName = (typeof DEADLINES)[number];

const NEVER = Number.POSITIVE_INFINITY;

export class Deadlines {
  readonly #at = DEADLINES.map(() => NEVER);

  /** When the deadline is, in milliseconds of the monotonic clock; Infinity: not set. */
  at(name: DeadlineName): number {
    return this.#at[DEADLINES.indexOf(name)] as number;
  }

  set(name: DeadlineName, atMs: number): void {
    this.#at[DEADLINES.indexOf(name)] = atMs;
  }

  isSet(name: DeadlineName): boolean {
    return this.at(name) !== NEVER;
  }

  clear(name: DeadlineName): void {
    this.set(name, NEVER);
  }

  clearAll(): void {
    this.#at.fill(NEVER);
  }

  /** The earliest of all; Infinity when none is set. */
  get earliest(): number {
    return Math.min(...this.#at);
  }

  /** The name of one that is due, the first of the table first; undefined when none is. */
  due(nowMs: number): DeadlineName | undefined {
    return DEADLINES.find((_, i) => (this.#at[i] as number) <= nowMs);
  }
}
