import assert from 'node:assert/strict';

/**
 * What the daemon counts with. These are called millions of times a second, so they are plain numbers that allocate
 * nothing; names, help and text are the exposition's affair, at a scrape.
 */

/** One line of a metric: `suffix` is appended to its name. */
export interface Sample {
  readonly suffix: string;
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
}

export interface Instrument {
  samples(): readonly Sample[];
}

/** A number that only rises. */
export class Counter implements Instrument {
  value = 0;

  inc(count = 1): void {
    this.value += count;
  }

  samples(): readonly Sample[] {
    return [{ suffix: '', labels: {}, value: this.value }];
  }
}

/** One counter for each value of a label. The values are a closed list, and all are there from the start, at 0. */
export class LabelledCounter<L extends string> implements Instrument {
  readonly #label: string;
  readonly #counters: ReadonlyMap<string, Counter>;

  constructor(label: string, values: readonly L[]) {
    this.#label = label;
    this.#counters = new Map(values.map((value) => [value, new Counter()]));
  }

  inc(value: L, count = 1): void {
    this.of(value).value += count;
  }

  /** The counter of one value, for a caller that wants to look it up once. */
  of(value: L): Counter {
    const counter = this.#counters.get(value);
    assert(counter, `${value} is not a value of the label ${this.#label}`);
    return counter;
  }

  samples(): readonly Sample[] {
    return Array.from(this.#counters, ([value, counter]) => ({
      suffix: '',
      labels: { [this.#label]: value },
      value: counter.value,
    }));
  }
}

/** A number that its owner knows, asked for at a scrape; 0 until somebody owns it. */
export class Gauge implements Instrument {
  #read: () => number = () => 0;

  readFrom(read: () => number): void {
    this.#read = read;
  }

  samples(): readonly Sample[] {
    return [{ suffix: '', labels: {}, value: this.#read() }];
  }
}

/** One gauge for each value of a label, all read together so that they agree. */
export class LabelledGauge<L extends string> implements Instrument {
  readonly #label: string;
  readonly #values: readonly L[];
  #read: () => { readonly [V in L]?: number } = () => ({});

  constructor(label: string, values: readonly L[]) {
    this.#label = label;
    this.#values = values;
  }

  readFrom(read: () => { readonly [V in L]: number }): void {
    this.#read = read;
  }

  samples(): readonly Sample[] {
    const now = this.#read();
    return this.#values.map((value) => ({ suffix: '', labels: { [this.#label]: value }, value: now[value] ?? 0 }));
  }
}

/** A constant 1 whose labels are the information. */
export class Info implements Instrument {
  readonly #labels: Sample['labels'];

  constructor(labels: Sample['labels']) {
    this.#labels = labels;
  }

  samples(): readonly Sample[] {
    return [{ suffix: '', labels: this.#labels, value: 1 }];
  }
}
