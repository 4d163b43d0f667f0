import type { Transport, TransportEvents } from '../../src/session/index.js';
import type { Host } from './host.js';
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

type Segment =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly type: 'fin' | 'reset'; readonly atMs: number };

/** One end of a virtual link, as a TCP socket behaves: a window, half-closing, resets, and a reader that may pause. */
export class LinkEnd implements Transport {
  readonly remote: string;
  readonly name: string;
  readonly #host: Host;
  readonly #world: World;
  readonly #random: SeededRandom;
  #conditions: LinkConditions;
  #peer: LinkEnd | undefined;
  #events: TransportEvents | undefined;
  #link: 'connecting' | 'open' | 'closed' = 'connecting';
  /** This direction. `severed`: something between the ends swallows what is sent. */
  #sending: 'open' | 'ending' | 'ended' | 'severed' = 'open';
  #receiving: 'open' | 'paused' | 'ended' = 'open';
  readonly #queue: Uint8Array[] = [];
  readonly #flight: Segment[] = [];
  readonly #unread: Segment[] = [];
  readonly #mailbox: (() => void)[] = [];
  #drain: 'none' | 'owed' = 'none';
  #heldBytes = 0;
  #departMs = 0;
  #arriveMs = 0;
  /** Nothing arrives at the other end before this; Infinity: never. */
  #darkUntilMs = 0;
  pending = 0;
  taken = 0;
  /** The most that was ever pending, for the bound that there is to be. */
  pendingMax = 0;

  constructor(
    name: string,
    remote: string,
    host: Host,
    world: World,
    random: SeededRandom,
    conditions: LinkConditions,
  ) {
    this.name = name;
    this.remote = remote;
    this.#host = host;
    this.#world = world;
    this.#random = random;
    this.#conditions = conditions;
  }

  get closed(): boolean {
    return this.#link === 'closed';
  }

  join(peer: LinkEnd): void {
    this.#peer = peer;
  }

  /** From now on `events` is told what happens. */
  attend(events: TransportEvents): void {
    this.#events = events;
  }

  /** The host takes the link up when it gets round to it; what happens to the link until then is told after. */
  accept(take: () => TransportEvents): void {
    this.#post(() => {
      this.attend(take());
      this.open();
    });
  }

  /** Bytes flow from now on. */
  open(): void {
    if (this.#link !== 'connecting') return;
    this.#link = 'open';
    this.#pump();
    this.#post(() => this.#read());
  }

  /** The link could not be made. */
  refuse(reason: string): void {
    this.#close(reason);
  }

  write(bytes: Uint8Array): void {
    this.writeAll([bytes]);
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (this.#link === 'closed' || this.#sending === 'ending' || this.#sending === 'ended') return;
    for (const piece of pieces) {
      this.#queue.push(piece);
      this.pending += piece.length;
    }
    this.pendingMax = Math.max(this.pendingMax, this.pending);
    this.#pump();
    if (this.pending > 0) this.#drain = 'owed';
  }

  pause(): void {
    if (this.#receiving === 'open') this.#receiving = 'paused';
  }

  resume(): void {
    if (this.#receiving !== 'paused') return;
    this.#receiving = 'open';
    this.#post(() => this.#read());
  }

  end(): void {
    if (this.#sending === 'severed') this.#sending = 'ended';
    else if (this.#sending === 'open') this.#sending = 'ending';
    this.#pump();
    this.#closeIfOver();
  }

  destroy(): void {
    if (this.#link === 'closed') return;
    const rude = this.#unread.length > 0 || this.#random.chance(0.5);
    if (this.#sending === 'open' || this.#sending === 'ending')
      this.#send({ type: rude ? 'reset' : 'fin', atMs: this.#arrivesMs(0) });
    this.#close('the link was closed');
  }

  // What the world does to it:

  /** Both ends are told that the other has ended, and what they still say is lost. */
  sever(): void {
    if (this.#sending === 'open') this.#send({ type: 'fin', atMs: this.#arrivesMs(0) });
    if (this.#sending !== 'ended') this.#sending = 'severed';
    this.#pump();
  }

  reset(): void {
    this.#unread.length = 0;
    this.#close('ECONNRESET');
  }

  /** Nothing that is sent arrives before that time. */
  darken(untilMs: number): void {
    this.#darkUntilMs = untilMs;
  }

  change(conditions: LinkConditions): void {
    this.#conditions = conditions;
    if (this.#darkUntilMs === Number.POSITIVE_INFINITY) return;
    this.#pump();
  }

  #pump(): void {
    if (this.#link !== 'open') return;
    while (this.#queue.length > 0) {
      const room =
        this.#sending === 'severed' ? Number.POSITIVE_INFINITY : this.#conditions.windowBytes - this.#heldBytes;
      if (room <= 0) return;
      this.#takeFrom(this.#queue[0] as Uint8Array, room);
    }
    if (this.#drain === 'owed') {
      this.#drain = 'none';
      this.#post(() => this.#events?.drained());
    }
    if (this.#sending !== 'ending') return;
    this.#sending = 'ended';
    this.#send({ type: 'fin', atMs: this.#arrivesMs(0) });
    this.#closeIfOver();
  }

  #takeFrom(piece: Uint8Array, room: number): void {
    let count = Math.min(room, piece.length);
    if (this.#random.chance(this.#conditions.fragment)) count = this.#random.magnitude(1, count);
    if (count === piece.length) this.#queue.shift();
    else this.#queue[0] = piece.subarray(count);
    this.pending -= count;
    this.taken += count;
    if (this.#sending === 'severed') return;
    // Copied now, as a kernel does: until now the sender must not have changed it, from now on it may.
    const bytes = Uint8Array.from(piece.subarray(0, count));
    if (this.#random.chance(this.#conditions.corrupt)) this.#damage(bytes);
    this.#heldBytes += count;
    this.#send({ type: 'bytes', bytes, atMs: this.#arrivesMs(count) });
  }

  /** One bit, and often one near the front, where the length is if the segment begins with a frame. */
  #damage(bytes: Uint8Array): void {
    const at = this.#random.int(this.#random.chance(0.3) ? Math.min(4, bytes.length) : bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#random.int(8));
  }

  #arrivesMs(bytes: number): number {
    const { bytesPerMs, delayMs, jitterMs } = this.#conditions;
    this.#departMs = Math.max(this.#departMs, this.#world.nowMs) + bytes / bytesPerMs;
    this.#arriveMs = Math.max(this.#arriveMs, this.#departMs + delayMs + jitterMs * this.#random.next() ** 2);
    return this.#arriveMs;
  }

  #send(segment: Segment): void {
    if (this.#peer === undefined) return;
    this.#flight.push(segment);
    this.#world.at(segment.atMs, () => this.#arrive());
  }

  #arrive(): void {
    const { nowMs } = this.#world;
    if (nowMs < this.#darkUntilMs) {
      if (this.#darkUntilMs !== Number.POSITIVE_INFINITY) this.#world.at(this.#darkUntilMs, () => this.#arrive());
      return;
    }
    while ((this.#flight[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      this.#peer?.take(this.#flight.shift() as Segment);
    }
  }

  /** A segment has come from the other end. */
  take(segment: Segment): void {
    if (this.#link === 'closed') {
      if (segment.type === 'bytes' && !this.#peer?.closed) this.#send({ type: 'reset', atMs: this.#arrivesMs(0) });
      return;
    }
    if (segment.type === 'reset') return this.reset();
    this.#unread.push(segment);
    this.#post(() => this.#read());
  }

  #read(): void {
    while (this.#link === 'open' && this.#receiving === 'open' && this.#unread.length > 0) {
      const segment = this.#unread.shift() as Segment;
      if (segment.type === 'bytes') this.#deliver(segment.bytes);
      else this.#hearEnd();
    }
  }

  /** What has come close together is often read as one. */
  #deliver(first: Uint8Array): void {
    const parts = [first];
    while (this.#unread[0]?.type === 'bytes' && this.#random.chance(0.5)) {
      parts.push((this.#unread.shift() as { readonly bytes: Uint8Array }).bytes);
    }
    const bytes = parts.length === 1 ? first : Buffer.concat(parts);
    this.#world.note(`${this.name} receives ${bytes.length}`);
    this.#peer?.acknowledge(bytes.length);
    this.#events?.received(bytes);
  }

  /**
   * The other end has read so much. Room is made known once half of the window is free, as TCP does it: otherwise the
   * sender would go on in pieces as small as those that are read.
   */
  acknowledge(bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#heldBytes <= this.#conditions.windowBytes / 2) this.#pump();
  }

  #hearEnd(): void {
    if (this.#receiving === 'ended') return;
    this.#receiving = 'ended';
    this.#world.note(`${this.name} is told of the end`);
    this.#events?.ended();
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#receiving === 'ended' && this.#sending === 'ended') this.#close('the link was closed');
  }

  #close(reason: string): void {
    if (this.#link === 'closed') return;
    this.#link = 'closed';
    this.#queue.length = 0;
    this.#unread.length = 0;
    this.pending = 0;
    this.#post(() => {
      this.#world.note(`${this.name} is closed: ${reason}`);
      this.#events?.closed(reason);
      this.#events = undefined;
    });
  }

  /** In the host's own time and in order, and never while the host is in the middle of something. */
  #post(letter: () => void): void {
    this.#mailbox.push(letter);
    this.#world.after(0, () => this.#host.tell(() => this.#mailbox.shift()?.()));
  }
}
