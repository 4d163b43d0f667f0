import type { Session, TimerWheel, WheelItem } from '../session/index.js';
import { type Contained, contain } from './containment.js';

interface AlarmOwner extends Contained {
  /** Writes what the session has to say when a deadline is met. */
  flush(): void;
}

/** Has the wheel, which all connections share, look at one session's deadlines in time. */
export class Alarm implements WheelItem {
  wheelSlot = -1;
  readonly #session: Session;
  readonly #wheel: TimerWheel;
  readonly #owner: AlarmOwner;
  /** When the wheel will look. */
  #armedMs = Number.POSITIVE_INFINITY;

  constructor(session: Session, wheel: TimerWheel, owner: AlarmOwner) {
    this.#session = session;
    this.#wheel = wheel;
    this.#owner = owner;
  }

  /** The deadlines may have moved. One that has moved later needs nothing: it is found early, and looked at again. */
  arm(): void {
    const earliestMs = this.#session.deadlines.earliest;
    if (earliestMs >= this.#armedMs) return;
    this.#armedMs = earliestMs;
    this.#wheel.schedule(this, earliestMs);
  }

  /** The wheel has come to one of the deadlines. */
  expire(nowMs: number): number {
    this.#armedMs = Number.POSITIVE_INFINITY;
    contain(this.#owner, (owner) => {
      this.#armedMs = this.#session.expire(nowMs);
      owner.flush();
    });
    return this.#armedMs;
  }

  disarm(): void {
    this.#wheel.remove(this);
  }
}
