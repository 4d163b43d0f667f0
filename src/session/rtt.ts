/** Smoothed round trip and its variation, as RFC 6298 section 2 has them. All times in milliseconds. */
export class RttEstimator {
  #smoothed = 0;
  #variation = 0;
  #measured = false;

  get smoothedMs(): number {
    return this.#smoothed;
  }

  /** SRTT + 4 × RTTVAR: longer than nearly every round trip on this link. 0 before the first sample. */
  get upperMs(): number {
    return this.#smoothed + 4 * this.#variation;
  }

  sample(rttMs: number): void {
    if (!this.#measured) {
      this.#smoothed = rttMs;
      this.#variation = rttMs / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - rttMs);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * rttMs;
    }
    this.#measured = true;
  }
}

export const HEARTBEAT_MIN_MS = 5_000;
export const HEARTBEAT_MAX_MS = 15_000;
/** An interval has room for ten of the link's slow round trips, so one lost exchange is not a missed heartbeat. */
const ROUND_TRIPS_PER_INTERVAL = 10;
const STEP_MS = 1_000;

/**
 * The heartbeat interval for a link: ten slow round trips, within 5 to 15 s, in whole seconds. A change of less than a
 * whole step below the interval in force is not worth a WELCOME, so a link at the edge of a step does not flap.
 */
export function heartbeatInterval(rtt: RttEstimator, currentMs: number): number {
  const wanted = Math.ceil((ROUND_TRIPS_PER_INTERVAL * rtt.upperMs) / STEP_MS) * STEP_MS;
  const bounded = Math.min(HEARTBEAT_MAX_MS, Math.max(HEARTBEAT_MIN_MS, wanted));
  const falling = currentMs - bounded;
  return falling > 0 && falling <= STEP_MS && bounded > HEARTBEAT_MIN_MS ? currentMs : bounded;
}
