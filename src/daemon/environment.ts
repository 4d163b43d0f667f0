import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Randomness, Scheduler } from '../server/index.js';

/** Further than this from `Date.now`, the estimate of the wall clock is set anew: somebody has set the clock. */
const CLOCK_SLACK_MS = 2;

/** The real clocks. The wall clock is read to the microsecond: the monotonic one, set by `Date.now` when they part. */
export function realClock(): Clock {
  let offsetMs = performance.timeOrigin;
  return {
    monotonicMs: () => performance.now(),
    wallUs: () => {
      const monotonicMs = performance.now();
      const wallMs = Date.now();
      if (Math.abs(wallMs - (offsetMs + monotonicMs)) > CLOCK_SLACK_MS) offsetMs = wallMs - monotonicMs;
      return Math.round((offsetMs + monotonicMs) * 1000);
    },
  };
}

export const realScheduler: Scheduler = {
  soon: (work) => void setImmediate(work),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** 72 bits: two daemons, or two lives of one, never share an epoch. */
const UNIQUE_BYTES = 9;

export const realRandomness: Randomness = {
  next: () => Math.random(),
  unique: () => randomBytes(UNIQUE_BYTES).toString('base64url'),
  seed: () => ({ low: randomInt(2 ** 32), high: randomInt(2 ** 32) }),
};
