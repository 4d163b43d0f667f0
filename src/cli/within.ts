/**
 * A signal that is aborted with `signal`, or after so many milliseconds. Not made of `AbortSignal.timeout` and
 * `AbortSignal.any`: on Node 20 the garbage collector may take what they make while it is being waited for, and it then
 * never comes. `clear` lets go of the timer.
 */
export const within = (
  signal: AbortSignal,
  ms: number,
): { readonly signal: AbortSignal; readonly clear: () => void } => {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, ms);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
};
