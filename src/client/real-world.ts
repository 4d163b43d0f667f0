import { randomUUID } from 'node:crypto';
import { dialTcp } from './tcp.js';
import type { ClientWorld } from './world.js';

/** The longest that a timer of the platform can be set to; it takes anything longer for 1. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** One timer after another, for as long as it takes. */
function after(ms: number, work: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer =
      leftMs > TIMER_MAX_MS ? setTimeout(() => wait(leftMs - TIMER_MAX_MS), TIMER_MAX_MS) : setTimeout(work, leftMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** TCP, the monotonic clock, timers. A client that waits keeps its process alive, until it is closed. */
export const realWorld: ClientWorld = {
  dial: dialTcp,
  clock: { monotonicMs: () => performance.now() },
  scheduler: {
    soon: (work) => void setImmediate(work),
    after,
  },
  random: { next: Math.random, unique: randomUUID },
};
