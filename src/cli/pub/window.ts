/** How much may be sent and not yet acknowledged. */
export interface WindowLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Counts what is on its way, so that a long input is read only as fast as it is acknowledged. Waiting ends when the
 * signal is aborted, too.
 */
export class Window {
  readonly #limits: WindowLimits;
  readonly #signal: AbortSignal;
  #records = 0;
  #bytes = 0;
  #wake = (): void => {};

  constructor(limits: WindowLimits, signal: AbortSignal) {
    this.#limits = limits;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  get records(): number {
    return this.#records;
  }

  add(bytes: number): void {
    this.#records += 1;
    this.#bytes += bytes;
  }

  /** A record is settled, one way or the other. */
  remove(bytes: number): void {
    this.#records -= 1;
    this.#bytes -= bytes;
    this.#wake();
  }

  /** Waits until there is room for more. One caller at a time may wait, here or for `empty`. */
  room(): Promise<void> {
    return this.#until(() => this.#records < this.#limits.records && this.#bytes < this.#limits.bytes);
  }

  /** Waits until everything is settled. */
  empty(): Promise<void> {
    return this.#until(() => this.#records === 0);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
