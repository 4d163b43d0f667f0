/**
 * Tells healthy, jittery and dead links apart by how long the peer has been silent, in units of the interval:
 *
 *     0 ──────── 1× ──────── 2× ──────── 3× ────────▶ silence
 *       healthy     healthy     jittery      dead
 *                   PING sent   noted once,  closed
 *                               probe sent
 *
 * Two windows, because one late packet must not cut a link, and because a dead one must not linger: a delay is
 * tolerated and noted from 2× on, and only over 3× is the link given up.
 */
export const LINK_CLASSES = ['healthy', 'jittery', 'dead'] as const;
export type LinkClass = (typeof LINK_CLASSES)[number];

/** The class of a link whose peer has been silent for so long. Exactly 2× is jittery, exactly 3× still is. */
export function classify(silenceMs: number, intervalMs: number): LinkClass {
  if (silenceMs < 2 * intervalMs) return 'healthy';
  return silenceMs <= 3 * intervalMs ? 'jittery' : 'dead';
}

/** What must be done now. `probe` is a PING that also opens a jitter episode. */
export type Verdict = 'wait' | 'ping' | 'probe' | 'dead';

export class Heartbeat {
  intervalMs: number;
  #heardMs: number;
  /** The largest whole number of intervals of the present silence that has been acted on. */
  #acted: 0 | 1 | 2 = 0;

  constructor(intervalMs: number, nowMs: number) {
    this.intervalMs = intervalMs;
    this.#heardMs = nowMs;
  }

  /** Any inbound byte, or progress of a stuck write, is a sign of life. Returns true when it ends a jitter episode. */
  heard(nowMs: number): boolean {
    const recovered = this.#acted === 2;
    this.#heardMs = nowMs;
    this.#acted = 0;
    return recovered;
  }

  silenceMs(nowMs: number): number {
    return nowMs - this.#heardMs;
  }

  /** When to look next, if nothing is heard until then. Dead is *over* 3×, hence the step behind it. */
  get nextMs(): number {
    return this.#heardMs + (this.#acted + 1) * this.intervalMs + (this.#acted === 2 ? 1 : 0);
  }

  /** Judges the silence. Each of `ping` and `probe` is returned once per silence. */
  judge(nowMs: number): Verdict {
    const silence = this.silenceMs(nowMs);
    switch (classify(silence, this.intervalMs)) {
      case 'dead':
        return 'dead';
      case 'jittery':
        if (this.#acted === 2) return 'wait';
        this.#acted = 2;
        return 'probe';
      case 'healthy':
        if (silence < this.intervalMs || this.#acted >= 1) return 'wait';
        this.#acted = 1;
        return 'ping';
    }
  }
}
