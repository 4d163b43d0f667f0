/** What came of what was published. */
export interface Account {
  readonly received: number;
  /** Overtaken by a later one, and not seen. */
  readonly missing: number;
  readonly twice: number;
}

/** Follows the numbers that the publisher gives to the records of each topic, from 1, across all lives of the daemon. */
export class Ledger {
  readonly #last = new Map<string, number>();
  #received = 0;
  #missing = 0;
  #twice = 0;

  enter(topic: string, number: number): void {
    const last = this.#last.get(topic) ?? 0;
    this.#received += 1;
    if (number <= last) {
      this.#twice += 1;
      return;
    }
    this.#missing += number - last - 1;
    this.#last.set(topic, number);
  }

  account(): Account {
    return { received: this.#received, missing: this.#missing, twice: this.#twice };
  }
}
