let offsetMs = performance.timeOrigin;

/**
 * The wall clock in microseconds since 1970. Node's own is cut to a millisecond, so the monotonic clock tells what is
 * below that; its offset is held to where both agree, and so follows a wall clock that is set, or runs differently.
 */
export const nowUs = (): number => {
  const monotonicMs = performance.now();
  const leastMs = Date.now() - monotonicMs;
  offsetMs = Math.min(Math.max(offsetMs, leastMs), leastMs + 1);
  return (offsetMs + monotonicMs) * 1_000;
};
