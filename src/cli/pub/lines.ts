const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines, without their line ends; the bytes of a line stay as they are, text or not. Throws
 * RangeError when a line is longer than `bytesMax`, which bounds what is held in memory.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  /** The pieces of a line whose end has not come yet. */
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield joined([...pieces, chunk.subarray(from, at)]);
      pieces = [];
      bytes = 0;
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (rest.length > 0) pieces.push(rest);
    bytes += rest.length;
    if (bytes > bytesMax) throw new RangeError(`a line is longer than ${bytesMax} bytes`);
  }
  // The last line needs no line end.
  if (bytes > 0) yield joined(pieces);
}

const joined = (pieces: readonly Uint8Array[]): Uint8Array =>
  pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
