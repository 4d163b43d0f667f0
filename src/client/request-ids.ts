/** The largest number of a request: a uint32 on the wire. */
export const REQUEST_ID_MAX = 0xffff_ffff;

/** Numbers for requests: from 1, and from 1 again after 2^32 - 1, because 0 asks for no answer. */
export function requestIds(): () => number {
  let last = 0;
  return () => {
    last = last === REQUEST_ID_MAX ? 1 : last + 1;
    return last;
  };
}
