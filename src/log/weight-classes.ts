/** Eight classes for each doubling: weights in one class are within 9 % of each other. */
const CLASSES_PER_DOUBLING = 8;

const classOf = (weight: number): number => Math.floor(Math.log2(weight) * CLASSES_PER_DOUBLING);

/**
 * Which of many things weighs most, in constant time, to a resolution of 9 %: they are sorted into classes by weight.
 * Within a class the one that has been in it longest comes first.
 */
export class WeightClasses<T> {
  readonly #classes: Set<T>[] = [];

  /** `item` weighed `before` and weighs `after`; 0 is not to be there. Weights are whole numbers. */
  move(item: T, before: number, after: number): void {
    const from = before === 0 ? -1 : classOf(before);
    const to = after === 0 ? -1 : classOf(after);
    if (from === to) return;
    this.#classes[from]?.delete(item);
    if (to < 0) return;
    while (this.#classes.length <= to) this.#classes.push(new Set());
    this.#classes[to]?.add(item);
  }

  /** One of the heaviest; undefined if there is nothing. */
  heaviest(): T | undefined {
    for (let top = this.#classes.length; top > 0; top--) {
      for (const item of this.#classes[top - 1] as Set<T>) return item;
      this.#classes.length = top - 1;
    }
    return undefined;
  }
}
