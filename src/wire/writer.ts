import { utf8Bytes, writeUtf8 } from './utf8.js';
import { varintBytes, writeVarint } from './varint.js';

/** A value was handed in for encoding that the wire cannot carry; the fault is the caller's. */
export class WireValueError extends RangeError {
  readonly code = 'ERR_WIRE_VALUE';
  override readonly name = 'WireValueError';
}

const UINT32_MAX = 2 ** 32 - 1;
const WIRE_TYPE_VARINT = 0;
const WIRE_TYPE_LENGTH = 2;

/**
 * Where the fields of a message go. Each message describes itself to a sink once, in one function; a `SizeSink` makes
 * its size of that, a `ByteSink` its bytes. As proto3 wants it, zero and empty values leave no trace; the exception are
 * the elements of what is repeated, for which there are `element…`.
 */
export interface Sink {
  uint32(field: number, value: number): void;
  /** uint64, or int64 that is not negative, below 2^53. */
  uint53(field: number, value: number): void;
  /** uint64 or int64, all 64 bits. */
  uint64(field: number, value: bigint): void;
  bool(field: number, value: boolean): void;
  text(field: number, value: string): void;
  blob(field: number, value: Uint8Array): void;
  elementText(field: number, value: string): void;
  /** A nested message, written even if it is empty. */
  message<T>(field: number, describe: Describe<T>, value: T): void;
}
export type Describe<T> = (sink: Sink, value: T) => void;

function bigVarintBytes(value: bigint): number {
  let bytes = 1;
  for (let rest = BigInt.asUintN(64, value); rest >= 128n; rest >>= 7n) {
    bytes += 1;
  }
  return bytes;
}

/** Adds up the bytes that fields take, and refuses values that do not fit. */
export class SizeSink implements Sink {
  bytes = 0;
  /** The lengths of the nested messages, in the order in which they begin. */
  readonly lengths: number[] = [];

  uint32(field: number, value: number): void {
    if (value > UINT32_MAX) {
      throw new WireValueError(`${value} is no uint32`);
    }
    this.uint53(field, value);
  }

  uint53(field: number, value: number): void {
    if (value < 0 || !Number.isSafeInteger(value)) {
      throw new WireValueError(`${value} is not a whole number from 0 to 2^53 - 1`);
    }
    if (value !== 0) {
      this.bytes += varintBytes(field << 3) + varintBytes(value);
    }
  }

  uint64(field: number, value: bigint): void {
    if (value !== 0n) {
      this.bytes += varintBytes(field << 3) + bigVarintBytes(value);
    }
  }

  bool(field: number, value: boolean): void {
    this.uint53(field, value ? 1 : 0);
  }

  text(field: number, value: string): void {
    if (value !== '') {
      this.elementText(field, value);
    }
  }

  blob(field: number, value: Uint8Array): void {
    if (value.length > 0) {
      this.#lengthDelimited(field, value.length);
    }
  }

  elementText(field: number, value: string): void {
    this.#lengthDelimited(field, utf8Bytes(value));
  }

  message<T>(field: number, describe: Describe<T>, value: T): void {
    const before = this.bytes;
    const index = this.lengths.push(0) - 1;
    describe(this, value);
    const length = this.bytes - before;
    this.lengths[index] = length;
    this.bytes = before;
    this.#lengthDelimited(field, length);
  }

  #lengthDelimited(field: number, length: number): void {
    this.bytes += varintBytes(field << 3) + varintBytes(length) + length;
  }
}

/** Writes fields into given memory; what is described must be what the `SizeSink` was told, and have room. */
export class ByteSink implements Sink {
  readonly #target: Uint8Array;
  readonly #lengths: readonly number[];
  #nextLength = 0;
  /** Where the next byte goes. */
  at: number;

  constructor(size: SizeSink, target: Uint8Array, at: number) {
    this.#lengths = size.lengths;
    this.#target = target;
    this.at = at;
  }

  uint32(field: number, value: number): void {
    this.uint53(field, value);
  }

  uint53(field: number, value: number): void {
    if (value !== 0) {
      this.#tag(field, WIRE_TYPE_VARINT);
      this.#varint(value);
    }
  }

  uint64(field: number, value: bigint): void {
    if (value === 0n) {
      return;
    }
    this.#tag(field, WIRE_TYPE_VARINT);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 128n; rest >>= 7n) {
      this.#target[this.at++] = Number(rest & 0x7fn) | 0x80;
    }
    this.#target[this.at++] = Number(rest);
  }

  bool(field: number, value: boolean): void {
    this.uint53(field, value ? 1 : 0);
  }

  text(field: number, value: string): void {
    if (value !== '') {
      this.elementText(field, value);
    }
  }

  blob(field: number, value: Uint8Array): void {
    if (value.length > 0) {
      this.#tag(field, WIRE_TYPE_LENGTH);
      this.#varint(value.length);
      this.#target.set(value, this.at);
      this.at += value.length;
    }
  }

  elementText(field: number, value: string): void {
    this.#tag(field, WIRE_TYPE_LENGTH);
    this.#varint(utf8Bytes(value));
    this.at = writeUtf8(value, this.#target, this.at);
  }

  message<T>(field: number, describe: Describe<T>, value: T): void {
    this.#tag(field, WIRE_TYPE_LENGTH);
    this.#varint(this.#lengths[this.#nextLength++]);
    describe(this, value);
  }

  #tag(field: number, wireType: number): void {
    this.#varint((field << 3) | wireType);
  }

  #varint(value: number): void {
    this.at = writeVarint(this.#target, this.at, value);
  }
}
