import type { Histogram } from './histogram.js';

/** Often enough to meet a stall that hurts, seldom enough to leave an idle process asleep. */
const SAMPLE_MS = 100;

/**
 * Measures how late the event loop runs its timers, until the returned function is called. A histogram that is never
 * reset, unlike `monitorEventLoopDelay`, whose percentiles are since the start or since somebody else's scrape.
 */
export const watchEventLoop = (lag: Pick<Histogram, 'observe'>): (() => void) => {
  let due = performance.now() + SAMPLE_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    lag.observe((now - due) / 1000);
    due = now + SAMPLE_MS;
  }, SAMPLE_MS);
  timer.unref();
  return () => clearInterval(timer);
};
