import type { Scheduler } from '../../src/server/index.js';
import type { Transport, TransportEvents } from '../../src/session/index.js';

/** The client's end of a virtual link. */
export interface FarEnd {
  received(bytes: Uint8Array): void;
  /** The server has ended its direction, or the link is gone. */
  left(how: 'ended' | 'destroyed'): void;
}

/**
 * A link without a network, as its server end. It takes as many bytes as it is allowed to (`room`), and the rest waits:
 * `take` lets some of it through. What it takes is with the client at once.
 */
export class VirtualLink implements Transport {
  readonly remote: string;
  readonly #farEnd: FarEnd;
  readonly #scheduler: Scheduler;
  #events: TransportEvents | undefined;
  /** What was handed over and not taken, oldest first. */
  #waiting: Uint8Array[] = [];
  #pending = 0;
  #taken = 0;
  #room = Number.POSITIVE_INFINITY;
  #paused = false;
  /** What the client has sent while the server did not read. */
  #unread: Uint8Array[] = [];
  #serverEnded = false;
  #clientEnd: 'no' | 'unread' | 'told' = 'no';
  #gone = false;

  constructor(remote: string, farEnd: FarEnd, scheduler: Scheduler) {
    this.remote = remote;
    this.#farEnd = farEnd;
    this.#scheduler = scheduler;
  }

  open(events: TransportEvents): void {
    this.#events = events;
  }

  get pending(): number {
    return this.#pending;
  }

  get taken(): number {
    return this.#taken;
  }

  /** The pieces that wait, or what is left of them. */
  get waiting(): readonly Uint8Array[] {
    return this.#waiting;
  }

  get gone(): boolean {
    return this.#gone;
  }

  get paused(): boolean {
    return this.#paused;
  }

  // The server's side:

  write(bytes: Uint8Array): void {
    this.writeAll([bytes]);
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (this.#serverEnded || this.#gone) return;
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.#pending += piece.length;
    }
    this.#move();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#scheduler.soon(() => this.#read());
  }

  end(): void {
    if (this.#serverEnded || this.#gone) return;
    this.#serverEnded = true;
    if (this.#pending === 0) this.#finish();
  }

  destroy(): void {
    this.#lose('destroyed', 'destroyed');
  }

  // The client's side:

  /** Allows the link to take so many bytes more than it has; Infinity: whatever comes. */
  allow(bytes: number): void {
    this.#room = bytes;
    this.take(0);
  }

  /** Lets so many bytes more through. */
  take(bytes: number): void {
    this.#room += bytes;
    const waited = this.#pending > 0;
    this.#move();
    if (!waited || this.#pending > 0 || this.#gone) return;
    if (this.#serverEnded) this.#finish();
    else this.#events?.drained();
  }

  send(bytes: Uint8Array): void {
    if (this.#gone) return;
    this.#unread.push(bytes);
    this.#read();
  }

  /** The client ends its direction (FIN). */
  fin(): void {
    this.#clientEnd = 'unread';
    this.#read();
  }

  /** The client, or the network, breaks the link (RST). */
  cut(reason = 'ECONNRESET'): void {
    this.#lose(reason, 'destroyed');
  }

  #read(): void {
    while (!this.#paused && !this.#gone) {
      const bytes = this.#unread.shift();
      if (bytes === undefined) break;
      this.#events?.received(bytes);
    }
    if (this.#paused || this.#gone || this.#clientEnd !== 'unread') return;
    this.#clientEnd = 'told';
    this.#events?.ended();
    if (this.#serverEnded && this.#pending === 0) this.#finish();
  }

  #move(): void {
    while (this.#room > 0 && this.#waiting.length > 0) {
      const piece = this.#waiting[0] as Uint8Array;
      const part = piece.subarray(0, this.#room);
      if (part.length === piece.length) this.#waiting.shift();
      else this.#waiting[0] = piece.subarray(part.length);
      this.#room -= part.length;
      this.#pending -= part.length;
      this.#taken += part.length;
      this.#farEnd.received(part);
    }
  }

  /** Everything that the server had to say has been taken. */
  #finish(): void {
    this.#farEnd.left('ended');
    if (this.#clientEnd === 'told') this.#lose('the link was closed', 'ended');
  }

  #lose(reason: string, how: 'ended' | 'destroyed'): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#waiting = [];
    this.#unread = [];
    this.#farEnd.left(how);
    this.#scheduler.soon(() => this.#events?.closed(reason));
  }
}
