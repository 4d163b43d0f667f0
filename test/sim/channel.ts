import type { SeededRandom } from './random.js';
import type { World } from './world.js';

/** What a link does to the bytes on it. Times in milliseconds. */
export interface LinkConditions {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  /** What may be under way or unread in one direction; the rest waits with the sender. */
  readonly windowBytes: number;
  /** The probability that a write is cut at random places. */
  readonly fragment: number;
  /** The probability that a bit of a segment is flipped. */
  readonly corrupt: number;
}

export type Segment = { readonly type: 'bytes'; readonly bytes: Uint8Array } | { readonly type: 'fin' | 'reset' };

/**
 * One direction of a link: what has been handed to it leaves in segments as far as the window allows, may be damaged,
 * and arrives in order after a while, or never.
 */
export class Channel {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #arrived: (segment: Segment) => void;
  #conditions: LinkConditions;
  /** `severed`: something between the ends swallows what is sent. */
  #state: 'open' | 'severed' = 'open';
  readonly #queue: Uint8Array[] = [];
  readonly #flight: { readonly segment: Segment; readonly atMs: number }[] = [];
  /** Under way, or arrived and not read. */
  #heldBytes = 0;
  #departMs = 0;
  #arriveMs = 0;
  /** Nothing arrives before this; Infinity: never. */
  #darkUntilMs = 0;
  /** Waits with the sender. */
  pending = 0;
  /** Has left the sender, ever. */
  taken = 0;

  /** @param arrived is given what comes out at the other end */
  constructor(world: World, random: SeededRandom, conditions: LinkConditions, arrived: (segment: Segment) => void) {
    this.#world = world;
    this.#random = random;
    this.#conditions = conditions;
    this.#arrived = arrived;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.pending += bytes.length;
  }

  /** Lets go of what waits, as far as the window allows. */
  pump(): void {
    while (this.#queue.length > 0) {
      const room =
        this.#state === 'severed' ? Number.POSITIVE_INFINITY : this.#conditions.windowBytes - this.#heldBytes;
      if (room <= 0) return;
      this.#takeFrom(this.#queue[0] as Uint8Array, room);
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue.length = 0;
    this.pending = 0;
  }

  /** The last word: behind all that has left. */
  say(type: 'fin' | 'reset'): void {
    if (this.#state === 'open') this.#send({ type }, 0);
  }

  /**
   * The other end has read so much. Returns whether the sender is told that there is room: once half of the window is
   * free, as TCP does it, for otherwise it would go on in pieces as small as those that are read.
   */
  read(bytes: number): boolean {
    this.#heldBytes -= bytes;
    return this.#heldBytes <= this.#conditions.windowBytes / 2;
  }

  sever(): void {
    this.#state = 'severed';
  }

  /** Nothing arrives before that time. */
  darken(untilMs: number): void {
    this.#darkUntilMs = untilMs;
  }

  change(conditions: LinkConditions): void {
    this.#conditions = conditions;
  }

  #takeFrom(piece: Uint8Array, room: number): void {
    let count = Math.min(room, piece.length);
    if (this.#random.chance(this.#conditions.fragment)) count = this.#random.magnitude(1, count);
    if (count === piece.length) this.#queue.shift();
    else this.#queue[0] = piece.subarray(count);
    this.pending -= count;
    this.taken += count;
    if (this.#state === 'severed') return;
    // Copied now, as a kernel does: until now the sender must not have changed it, from now on it may.
    const bytes = Uint8Array.from(piece.subarray(0, count));
    if (this.#random.chance(this.#conditions.corrupt)) this.#damage(bytes);
    this.#heldBytes += count;
    this.#send({ type: 'bytes', bytes }, count);
  }

  /** One bit, and often one near the front, where the length is if the segment begins with a frame. */
  #damage(bytes: Uint8Array): void {
    const at = this.#random.int(this.#random.chance(0.3) ? Math.min(4, bytes.length) : bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#random.int(8));
  }

  #send(segment: Segment, size: number): void {
    const { bytesPerMs, delayMs, jitterMs } = this.#conditions;
    this.#departMs = Math.max(this.#departMs, this.#world.nowMs) + size / bytesPerMs;
    this.#arriveMs = Math.max(this.#arriveMs, this.#departMs + delayMs + jitterMs * this.#random.next() ** 2);
    this.#flight.push({ segment, atMs: this.#arriveMs });
    this.#world.at(this.#arriveMs, () => this.#arrive());
  }

  #arrive(): void {
    const { nowMs } = this.#world;
    if (nowMs < this.#darkUntilMs) {
      if (this.#darkUntilMs !== Number.POSITIVE_INFINITY) this.#world.at(this.#darkUntilMs, () => this.#arrive());
      return;
    }
    while ((this.#flight[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const { segment } = this.#flight.shift() as { readonly segment: Segment };
      this.#arrived(segment);
    }
  }
}
