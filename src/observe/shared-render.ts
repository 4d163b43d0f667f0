import { setTimeout as delay } from 'node:timers/promises';

/** The shortest time between the end of one rendering and the start of the next. */
const PAUSE_MS_MIN = 50;
/** A rendering is followed by a pause this many times as long, so that all of them take at most a twentieth of the CPU. */
const PAUSE_FACTOR = 19;

/**
 * Makes an expensive rendering safe to ask for at any rate. One runs at a time; whoever asks while it runs, or during
 * the pause after it, waits for the next, which is one for all of them. So nobody gets an answer older than their
 * question, and the cost does not rise with the number of those who ask.
 */
export const shareRender = <T>(render: () => Promise<T>, now: () => number = () => performance.now()) => {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  let free = Number.NEGATIVE_INFINITY;

  const renderOnce = async (): Promise<T> => {
    waiting = undefined;
    const begun = now();
    try {
      return await render();
    } finally {
      const ended = now();
      free = ended + Math.max(PAUSE_MS_MIN, (ended - begun) * PAUSE_FACTOR);
    }
  };

  const next = async (): Promise<T> => {
    await running;
    const pause = free - now();
    if (pause > 0) await delay(pause);
    const rendering = renderOnce();
    running = rendering.catch(() => {});
    return rendering;
  };

  return (): Promise<T> => {
    waiting ??= next();
    return waiting;
  };
};
