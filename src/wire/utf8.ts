/**
 * UTF-8 without a view or a string being made for it: strings on the wire are mostly short ASCII, and the hot path
 * validates them in place. Written out here because TextDecoder must be handed a view, and can only validate by making
 * a string. It still makes the longer strings, once they are known to be well-formed.
 */

/** Up to this length an ASCII string is put together byte by byte, which is faster than a call into the platform. */
const SHORT_BYTES_MAX = 16;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Whether `bytes[start, end)` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (bytes[at] < 0x80) {
      at += 1;
      continue;
    }
    const size = sequenceBytes(bytes, at, end);
    if (size === 0) {
      return false;
    }
    at += size;
  }
  return true;
}

/** The size of the multi-byte sequence at `at`, or 0 if it is not well-formed. Table 3-7 of the Unicode standard. */
function sequenceBytes(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || at + size > end) {
    return 0;
  }
  // The second byte excludes overlong forms (E0, F0), surrogates (ED) and what is beyond U+10FFFF (F4).
  const second = bytes[at + 1];
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) {
    return 0;
  }
  for (let next = at + 2; next < at + size; next += 1) {
    if ((bytes[next] & 0xc0) !== 0x80) {
      return 0;
    }
  }
  return size;
}

/** The string that `bytes[start, end)` is, or undefined if it is not well-formed. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= SHORT_BYTES_MAX) {
    let text = '';
    let at = start;
    while (at < end && bytes[at] < 0x80) {
      text += String.fromCharCode(bytes[at]);
      at += 1;
    }
    if (at === end) {
      return text;
    }
  }
  return isUtf8(bytes, start, end) ? decoder.decode(bytes.subarray(start, end)) : undefined;
}

/** The bytes that `text` takes. A lone surrogate becomes U+FFFD, as everywhere. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) {
      const point = text.codePointAt(at) as number;
      bytes += unit < 0x800 ? 1 : 2;
      // A pair is two units and four bytes: the second unit is counted already.
      at += point > 0xffff ? 1 : 0;
    }
  }
  return bytes;
}

/** Writes `text` at `at`; returns where it ends. There must be room for `utf8Bytes(text)`. */
export function writeUtf8(text: string, target: Uint8Array, at: number): number {
  let end = at;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      target[end++] = unit;
      continue;
    }
    let point = text.codePointAt(index) as number;
    if (point > 0xffff) {
      index += 1;
      target[end++] = 0xf0 | (point >> 18);
      target[end++] = 0x80 | ((point >> 12) & 0x3f);
    } else if (point < 0x800) {
      target[end++] = 0xc0 | (point >> 6);
      target[end++] = 0x80 | (point & 0x3f);
      continue;
    } else {
      point = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
      target[end++] = 0xe0 | (point >> 12);
    }
    target[end++] = 0x80 | ((point >> 6) & 0x3f);
    target[end++] = 0x80 | (point & 0x3f);
  }
  return end;
}
