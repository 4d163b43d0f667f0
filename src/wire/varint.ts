/** The bytes that a varint of `value` (a whole number from 0 to 2^53 - 1) takes. */
export function varintBytes(value: number): number {
  if (value < 2 ** 7) {
    return 1;
  }
  if (value < 2 ** 14) {
    return 2;
  }
  let bytes = 3;
  for (let rest = value; rest >= 2 ** 21; rest = Math.floor(rest / 128)) {
    bytes += 1;
  }
  return bytes;
}

/** Writes `value` (a whole number from 0 to 2^53 - 1) at `at`; returns where it ends. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  // Above 31 bits the operators on 32-bit integers no longer serve, except to take the lowest seven.
  while (rest > 0x7fffffff) {
    target[end++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    target[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[end++] = rest;
  return end;
}
