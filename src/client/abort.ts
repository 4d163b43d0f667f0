import { aborted, type ClientError } from './errors.js';

/**
 * A promise that `begin` settles through the functions it is given, or that the signal rejects with ABORTED, after what
 * `begin` returned was called to undo what it began. Nothing stays attached to the signal once the promise is settled.
 */
export function abortable<T>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: T) => void, reject: (error: ClientError) => void) => (error: ClientError) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
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
  const listener = () => act(aborted(signal));
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
