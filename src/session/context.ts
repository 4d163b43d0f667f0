import type { CloseCause } from './cause.js';

/** `signal.reason` of a session that has ended: an Error, because that is what awaiting code throws on. */
export class SessionEndedError extends Error {
  readonly code = 'SESSION_ENDED';
  readonly detail: CloseCause;

  constructor(detail: CloseCause) {
    super(`${detail.name}: ${detail.reason}`);
    this.name = 'SessionEndedError';
    this.detail = detail;
  }
}

/**
 * The stream context: everything that belongs to a session ends with it and can say why. The signal is made only when
 * somebody asks for it, because 15,000 idle sessions would otherwise carry 15,000 controllers that nobody watches.
 */
export class StreamContext {
  #cause: CloseCause | undefined;
  #controller: AbortController | undefined;

  /** Why the session ended; undefined while it lives. */
  get cause(): CloseCause | undefined {
    return this.#cause;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cause !== undefined) this.#controller.abort(new SessionEndedError(this.#cause));
    }
    return this.#controller.signal;
  }

  /** Ends the context. The first cause wins; returns false when there was one already. */
  end(cause: CloseCause): boolean {
    if (this.#cause !== undefined) return false;
    this.#cause = cause;
    this.#controller?.abort(new SessionEndedError(cause));
    return true;
  }
}
