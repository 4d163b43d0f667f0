import type { Transport, TransportEvents, WheelItem } from '../session/index.js';
import { closeFrame, type LocalCause, type TimerWheel } from '../session/index.js';
import { encodeFrame } from '../wire/index.js';

/** Those who are turned away may be so many at a time while they read why; past it they are cut off without a word. */
const LEAVING_MAX = 4096;
/** How long one may take to read why and go. */
const LEAVING_MS = 1_000;

/** Turns connections away: each is told why and when to come back, and ended at once. */
export class Rejections {
  readonly #wheel: TimerWheel;
  readonly #leaving = new Set<Leaving>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  get size(): number {
    return this.#leaving.size;
  }

  /** Says CLOSE and ends the link. Returns who is to be told what happens to it. */
  reject(transport: Transport, cause: LocalCause, nowMs: number): TransportEvents {
    const leaving: Leaving = new Leaving(transport, () => {
      this.#wheel.remove(leaving);
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
    if (this.#leaving.size > LEAVING_MAX) {
      transport.destroy();
    } else {
      transport.write(encodeFrame(closeFrame(cause)));
      transport.end();
      this.#wheel.schedule(leaving, nowMs + LEAVING_MS);
    }
    return leaving;
  }

  /** Cuts off who is still there. */
  destroyAll(): void {
    for (const leaving of this.#leaving) leaving.expire();
  }
}

/** What it sends is read and ignored: an unread byte would turn the end into a reset, and lose the CLOSE. */
class Leaving implements TransportEvents, WheelItem {
  wheelSlot = -1;
  readonly #transport: Transport;
  readonly closed: () => void;

  constructor(transport: Transport, closed: () => void) {
    this.#transport = transport;
    this.closed = closed;
  }

  received(): void {}
  drained(): void {}
  ended(): void {}

  expire(): number {
    this.#transport.destroy();
    return Number.POSITIVE_INFINITY;
  }
}
