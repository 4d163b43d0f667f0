import { optionalSignal } from './checks.js';
import { aborted, type ClientError } from './errors.js';

/**
 * A promise that `begin` settles through the functions it is given, or that the signal rejects with ABORTED, after what
 * `begin` returned was called to undo what it began. Nothing stays attached to the signal once the promise is settled.
 * Rejects with INVALID_ARGUMENT for what is no signal.
 */
export function abortable<T>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: T) => void, reject: (error: ClientError) => void) => (error: ClientError) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (optionalSignal(signal, 'signal')?.aborted === true) return reject(aborted(signal as AbortSignal));
    const detach = onAbort(signal, (error) => {
      undo(error);
      reject(error);
    });
    const settled =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        detach();
        settle(value);
      };
    let undo: (error: ClientError) => void = () => {};
    try {
      undo = begin(settled(resolve), settled(reject));
    } catch (error) {
      detach();
      throw error;
    }
  });
}

/** Calls back once when the signal is aborted, from now on; the returned function takes that back. */
export function onAbort(signal: AbortSignal | undefined, act: (error: ClientError) => void): () => void {
  if (signal === undefined) return () => {};
  const listener = listeners.get(signal) ?? new Listener(signal);
  listeners.set(signal, listener);
  return listener.add(() => act(aborted(signal)));
}

/**
 * Whatever waits for one signal, behind a single listener: thousands of calls may share a signal, and the platform warns
 * of more than ten listeners, and looks through all of them to remove one.
 */
class Listener {
  readonly #signal: AbortSignal;
  readonly #acts = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(act: () => void): () => void {
    if (this.#acts.size === 0) this.#signal.addEventListener('abort', this.#tell);
    this.#acts.add(act);
    return () => this.#remove(act);
  }

  #remove(act: () => void): void {
    if (this.#acts.delete(act) && this.#acts.size === 0) this.#signal.removeEventListener('abort', this.#tell);
  }

  readonly #tell = (): void => {
    // What one of them does may take back another.
    for (const act of this.#acts) {
      this.#remove(act);
      act();
    }
  };
}

const listeners = new WeakMap<AbortSignal, Listener>();
