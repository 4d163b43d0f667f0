/** A 64-bit key, as two 32-bit numbers. From the system's random source: whoever knows it can make ids collide. */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

/**
 * HalfSipHash-1-3 with a 32-bit result: a keyed hash, so that nobody outside can choose ids that fall on one place of
 * a table. One round a word and three at the end are what Rust's and Python's tables use of the SipHash family.
 */
export function halfSipHash(seed: HashSeed, bytes: Uint8Array, start: number, end: number): number {
  let v0 = seed.low | 0;
  let v1 = seed.high | 0;
  let v2 = 0x6c796765 ^ seed.low;
  let v3 = 0x74656462 ^ seed.high;
  const words = (end - start) >>> 2;
  // Whole words, then the word that holds the rest and the length, then the three rounds of the end.
  for (let i = 0; i < words + 4; i++) {
    let word = 0;
    if (i < words) word = wordAt(bytes, start + i * 4);
    else if (i === words) word = restAt(bytes, start + i * 4, end) | ((end - start) << 24);
    else if (i === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** The last 0 to 3 bytes. */
function restAt(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = at; i < end; i++) word |= (bytes[i] as number) << ((i - at) * 8);
  return word;
}
