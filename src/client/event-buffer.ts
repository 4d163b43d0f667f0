/** A reader that waits for the next event. */
interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

type State = { readonly type: 'open' } | { readonly type: 'ended'; readonly error: Error | undefined };

export interface EventBufferOptions<T> {
  /** An event is handed to a reader. */
  readonly taken?: (event: T) => void;
  /** Nothing more is wanted: it was ended, or the reader has left. Called once. */
  readonly ended?: () => void;
}

/**
 * Events between what pushes them and what awaits them. The end comes behind what was pushed before it, and an error is
 * thrown to one reader, as iterators do. It has no bound of its own: whoever pushes looks at `size`.
 */
export class EventBuffer<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: EventBufferOptions<T>;
  readonly #events: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #state: State = { type: 'open' };

  constructor(options: EventBufferOptions<T> = {}) {
    this.#options = options;
  }

  /** Events that nobody has taken. */
  get size(): number {
    return this.#events.length;
  }

  /** Does a reader wait for the next one? */
  get awaited(): boolean {
    return this.#waiters.length > 0;
  }

  push(event: T): void {
    if (this.#state.type === 'ended') return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#events.push(event);
      return;
    }
    this.#options.taken?.(event);
    waiter.resolve({ done: false, value: event });
  }

  dropOldest(): void {
    this.#events.shift();
  }

  /** Ends it behind what is there; a second time it is a no-op. */
  end(error?: Error): void {
    if (this.#state.type === 'ended') return;
    const [first, ...others] = this.#waiters.splice(0);
    this.#state = { type: 'ended', error: first === undefined ? error : undefined };
    if (error === undefined) first?.resolve({ done: true, value: undefined });
    else first?.reject(error);
    for (const waiter of others) waiter.resolve({ done: true, value: undefined });
    this.#options.ended?.();
  }

  /** Ends it at once: what nobody has taken is forgotten. */
  abort(error?: Error): void {
    this.#events.length = 0;
    this.end(error);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const event = this.#events.shift();
    if (event !== undefined) {
      this.#options.taken?.(event);
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#state.type === 'open') return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    const { error } = this.#state;
    this.#state = { type: 'ended', error: undefined };
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
