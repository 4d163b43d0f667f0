import { setTimeout } from 'node:timers/promises';

/** The shortest pause between the end of one rendering and the start of the next. */
const PAUSE_MS_MIN = 50;
/** Nobody waits longer than this for a rendering to begin, however long the last one took. */
const PAUSE_MS_MAX = 1_000;
/** The pause is this many times the rendering, so that rendering takes a twentieth of the CPU at most. */
const PAUSE_FACTOR = 19;

export interface RenderClock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  wait(ms: number): Promise<unknown>;
}
const realClock: RenderClock = { now: () => performance.now(), wait: setTimeout };

/**
 * Makes an expensive rendering safe to ask for at any rate. One runs at a time; whoever asks while it runs, or during
 * the pause after it, waits for the next, which is one for all of them. So nobody gets an answer older than their
 * question, and the cost of rendering does not rise with the number of those who ask.
 */
export const shareRender = <T>(render: () => Promise<T>, clock: RenderClock = realClock): (() => Promise<T>) => {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  let freeAtMs = 0;

  const run = async (): Promise<T> => {
    const begunMs = clock.now();
    try {
      return await render();
    } finally {
      const endedMs = clock.now();
      const pauseMs = (endedMs - begunMs) * PAUSE_FACTOR;
      freeAtMs = endedMs + Math.min(Math.max(pauseMs, PAUSE_MS_MIN), PAUSE_MS_MAX);
    }
  };

  const runNext = async (): Promise<T> => {
    await running;
    const pauseMs = freeAtMs - clock.now();
    if (pauseMs > 0) await clock.wait(pauseMs);
    // From here on whoever asks has come too late for this one.
    waiting = undefined;
    const rendering = run();
    running = rendering.catch(() => {});
    return rendering;
  };

  return () => {
    waiting ??= runNext();
    return waiting;
  };
};
