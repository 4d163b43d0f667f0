import type { Transport, TransportEvents } from '../session/index.js';

/** What a transport tells its owner while it is being dialled, and after. */
export interface DialEvents extends TransportEvents {
  /** The link is there. If it never comes to be, `closed` says why. */
  connected(): void;
}

/** What the client needs from the world, handed in so that a simulator can be the world. */
export interface ClientWorld {
  /** Begins to dial. It tells nothing before it has returned, and gives up by itself in time. */
  dial(endpoint: string, events: DialEvents): Transport;
  readonly clock: {
    /** Monotonic milliseconds, with a fraction. */
    monotonicMs(): number;
  };
  readonly scheduler: {
    /** Runs `work` after what has arrived by now was handled: the end of this turn of the event loop. */
    soon(work: () => void): void;
    /** Runs `work` after so many milliseconds, of which there may be Infinity; the returned function cancels it. */
    after(ms: number, work: () => void): () => void;
  };
  readonly random: {
    /** Uniform in [0, 1). */
    next(): number;
    /** A string that nobody has had before. */
    unique(): string;
  };
}
