import { decodeUtf8, isUtf8 } from './utf8.js';

const EMPTY = new Uint8Array(0);
/** A varint is at most ten bytes: 64 bits, seven a byte. */
const VARINT_BYTES_MAX = 10;
const POWERS_OF_128 = Float64Array.from({ length: VARINT_BYTES_MAX }, (_, digit) => 128 ** digit);

const NOT_UTF8 = 'a string that is not UTF-8';

const WireType = { VARINT: 0, FIXED64: 1, LENGTH: 2, FIXED32: 5 } as const;

/** A value while its fields are still coming in. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads protobuf fields from a range of bytes. Failure sticks: the first one is kept in `fault`, and from then on
 * everything reads as zero and the fields have come to an end, so that callers check once, at the end.
 *
 * One reader may be used for one payload after another (`open`); it allocates nothing but what it returns.
 */
export class ProtoReader {
  bytes: Uint8Array = EMPTY;
  /** The next byte to be read. */
  at = 0;
  /** Where the current message ends. */
  end = 0;
  /** Where the last length-delimited field lies. */
  from = 0;
  to = 0;
  /** Why the bytes cannot be what they should be; undefined as long as they can. */
  fault: string | undefined;

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.fault = undefined;
  }

  fail(reason: string): void {
    this.fault ??= reason;
    this.at = this.end;
  }

  /** The next field's tag (number << 3 | wire type), or 0 at the end of the message. */
  tag(): number {
    if (this.at >= this.end) {
      return 0;
    }
    const tag = this.uint32();
    if (tag >>> 3 === 0) {
      this.fail('a field of number 0');
      return 0;
    }
    return tag;
  }

  /** A uint32; as in every protobuf implementation, what is above 32 bits is cut off. */
  uint32(): number {
    const bytes = this.bytes;
    if (this.at < this.end && bytes[this.at] < 0x80) {
      return bytes[this.at++];
    }
    let value = 0;
    for (let digit = 0; digit < VARINT_BYTES_MAX && this.at < this.end; digit += 1) {
      const byte = bytes[this.at++];
      if (digit < 5) {
        value |= (byte & 0x7f) << (7 * digit);
      }
      if (byte < 0x80) {
        return value >>> 0;
      }
    }
    this.fail('a varint that does not end');
    return 0;
  }

  /** A uint64, or an int64 that may not be negative, of at most 2^53 - 1. */
  uint53(): number {
    const bytes = this.bytes;
    if (this.at < this.end && bytes[this.at] < 0x80) {
      return bytes[this.at++];
    }
    let value = 0;
    for (let digit = 0; digit < VARINT_BYTES_MAX && this.at < this.end; digit += 1) {
      const byte = bytes[this.at++];
      value += (byte & 0x7f) * POWERS_OF_128[digit];
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) {
          this.fail('a number that is negative or not below 2^53');
          return 0;
        }
        return value;
      }
    }
    this.fail('a varint that does not end');
    return 0;
  }

  /** All 64 bits, unsigned. BigInt costs: for numbers that must come back as they were, and are rare. */
  uint64(): bigint {
    const bytes = this.bytes;
    let value = 0n;
    for (let digit = 0; digit < VARINT_BYTES_MAX && this.at < this.end; digit += 1) {
      const byte = bytes[this.at++];
      value |= BigInt(byte & 0x7f) << BigInt(7 * digit);
      if (byte < 0x80) {
        return BigInt.asUintN(64, value);
      }
    }
    this.fail('a varint that does not end');
    return 0n;
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  bool(): boolean {
    return this.uint64() !== 0n;
  }

  /** An enum whose numbers run from `least` to `most`. */
  enum<E extends number>(least: E, most: E): E {
    const value = this.uint32();
    if (value < least || value > most) {
      this.fail(`an enum value of ${value}`);
      return least;
    }
    return value as E;
  }

  /** Steps over a length-delimited field: it lies at `from` to `to`. */
  range(): void {
    const length = this.uint53();
    if (length > this.end - this.at) {
      this.fail('a field that is longer than what holds it');
    }
    this.from = this.at;
    this.to = this.fault === undefined ? this.at + length : this.at;
    this.at = this.to;
  }

  /** A view of the field's bytes, not a copy. */
  blob(): Uint8Array {
    this.range();
    return this.bytes.subarray(this.from, this.to);
  }

  text(): string {
    this.range();
    const text = decodeUtf8(this.bytes, this.from, this.to);
    if (text === undefined) {
      this.fail(NOT_UTF8);
    }
    return text ?? '';
  }

  /** Steps over a string, as `range` does, but requires it to be one. */
  textRange(): void {
    this.range();
    if (!isUtf8(this.bytes, this.from, this.to)) {
      this.fail(NOT_UTF8);
    }
  }

  /** A nested message, read by the function that knows it. */
  message<T>(read: (reader: ProtoReader) => T): T {
    const outerEnd = this.enter();
    const value = read(this);
    this.leave(outerEnd);
    return value;
  }

  /** Goes into a nested message: its fields come next. Returns what `leave` must be given at its end. */
  enter(): number {
    this.range();
    const outerEnd = this.end;
    this.at = this.from;
    this.end = this.to;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.at = this.fault === undefined ? this.end : outerEnd;
    this.end = outerEnd;
  }

  /** Steps over a field that is not known here, as a later version may add some. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WireType.VARINT:
        this.uint32();
        return;
      case WireType.FIXED64:
        this.#advance(8);
        return;
      case WireType.LENGTH:
        this.range();
        return;
      case WireType.FIXED32:
        this.#advance(4);
        return;
      default:
        this.fail('a group, or a wire type that does not exist');
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.end - this.at) {
      this.fail('a field that is longer than what holds it');
    } else {
      this.at += bytes;
    }
  }
}
