import type { Instrument, Sample } from './instruments.js';

/** Counts observations by size. The upper bounds are inclusive and rise; a last bucket takes what is above them. */
export class Histogram implements Instrument {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /**
   * Counts `count` observations of the same value: records that leave in one write share one age. A negative value,
   * which a clock that was set back can make, counts as 0, because a sum must not fall.
   */
  observe(value: number, count = 1): void {
    const size = Math.max(value, 0);
    this.#counts[this.#bucketOf(size)] += count;
    this.#sum += size * count;
  }

  samples(): readonly Sample[] {
    const samples: Sample[] = [];
    let total = 0;
    this.#counts.forEach((count, index) => {
      total += count;
      samples.push({ suffix: '_bucket', labels: { le: canonical(this.#bounds[index]) }, value: total });
    });
    samples.push({ suffix: '_sum', labels: {}, value: this.#sum }, { suffix: '_count', labels: {}, value: total });
    return samples;
  }

  /** The first bucket whose bound is not below the value. */
  #bucketOf(value: number): number {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= this.#bounds[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Bounds are written as OpenMetrics wants them, `1.0` and not `1`, so that both formats make the same series. */
const canonical = (bound: number | undefined): string => {
  if (bound === undefined) return '+Inf';
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
};
