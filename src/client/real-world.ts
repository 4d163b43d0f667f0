import { randomUUID } from 'node:crypto';
import { dialTcp } from './tcp.js';
import type { ClientWorld } from './world.js';

/** TCP, the monotonic clock, timers. A client that waits keeps its process alive, until it is closed. */
export const realWorld: ClientWorld = {
  dial: dialTcp,
  clock: { monotonicMs: () => performance.now() },
  scheduler: {
    soon: (work) => void setImmediate(work),
    after: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  },
  random: { next: Math.random, unique: randomUUID },
};
