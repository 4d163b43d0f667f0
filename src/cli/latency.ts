/** The width of a bucket: percentiles are right to 1 %. */
const GROWTH = 1.01;

/** The percentiles that are reported, in percent. */
const REPORTED = { p50: 50, p90: 90, p99: 99, p999: 99.9 } as const;

/** In microseconds. */
export type Percentiles = { readonly [P in keyof typeof REPORTED | 'max']: number };

/**
 * How long things took, in memory that does not grow with their number: counts by bucket, each 1 % wider than the one
 * before, so that a microsecond and an hour are told with the same precision. From 1 µs to a year makes 3,100 buckets.
 */
export class LatencyHistogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #max = 0;

  /** Less than a microsecond (clocks of two machines may even make it negative) counts as one. */
  add(us: number): void {
    const bucket = Math.ceil(Math.log(Math.max(1, us)) / Math.log(GROWTH));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#max = Math.max(this.#max, us);
  }

  /** Undefined if nothing was added. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    const buckets = [...this.#counts].sort(([a], [b]) => a - b);
    const at = (percent: number): number => {
      let left = Math.ceil((this.#count * percent) / 100);
      for (const [bucket, count] of buckets) {
        left -= count;
        if (left <= 0) return Math.min(this.#max, GROWTH ** bucket);
      }
      return this.#max;
    };
    const { p50, p90, p99, p999 } = REPORTED;
    return { p50: at(p50), p90: at(p90), p99: at(p99), p999: at(p999), max: this.#max };
  }
}
