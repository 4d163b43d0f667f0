import { isAnyArrayBuffer, isMap, isUint8Array } from 'node:util/types';
import { RECORD_HEADERS_MAX, RECORD_ID_BYTES_MAX, type Record as WireRecord } from '../wire/index.js';
import { refuse, refuseOthers } from './checks.js';

/** A record to be published. Bytes that are handed in must not be changed before the publish has settled. */
export interface PublishRecord {
  readonly data: string | Uint8Array;
  /** What the record is about; consumers that fall behind may be sent only the newest of each. */
  readonly key?: string | undefined;
  /** At most 1,024. */
  readonly headers?: ReadonlyMap<string, string> | { readonly [name: string]: string } | undefined;
  /**
   * At most 64 bytes. A second record of the same topic and id is not appended, within the daemon's window of ids. One
   * is made where none is given; an empty one means that the record may be appended twice after a reconnect.
   */
  readonly id?: string | Uint8Array | undefined;
}

export type PublishInput = string | Uint8Array | PublishRecord;

/** Leaves room for a counter in an id. */
const PREFIX_CHARS_MAX = RECORD_ID_BYTES_MAX - 16;

const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const FIELDS = ['data', 'key', 'headers', 'id'];
const encoder = new TextEncoder();

/** Throws INVALID_ARGUMENT. */
const bytesOf = (value: unknown, name: string): Uint8Array => {
  if (typeof value === 'string') return encoder.encode(value);
  return isUint8Array(value) ? value : refuse(value, name, 'a string or a Uint8Array');
};

/**
 * Makes records as the wire has them, each with an id: those made here are never made twice, nor by another client. What
 * it returns throws INVALID_ARGUMENT for what is no record.
 */
export function recordMaker(unique: string): (input: PublishInput) => WireRecord {
  const prefix = `${unique.slice(0, PREFIX_CHARS_MAX)}-`;
  let made = 0;
  const nextId = (): Uint8Array => {
    made += 1;
    return encoder.encode(prefix + made.toString(36));
  };
  return (input) => {
    if (typeof input === 'string' || isUint8Array(input)) {
      return { data: bytesOf(input, 'record'), id: nextId(), key: '', headers: NO_HEADERS };
    }
    if (!isObject(input)) return refuse(input, 'a record', 'a string, a Uint8Array, or { data, key, headers, id }');
    refuseOthers(input, FIELDS, 'a record');
    const { data, key = '', headers, id } = input;
    return {
      data: bytesOf(data, 'data'),
      id: id === undefined ? nextId() : idOf(id),
      key: typeof key === 'string' ? key : refuse(key, 'key', 'a string'),
      headers: headers === undefined ? NO_HEADERS : headersOf(headers),
    };
  };
}

/** Can it have fields of ours? Memory and lists are not looked into. */
const isObject = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !isAnyArrayBuffer(value);

function idOf(id: unknown): Uint8Array {
  const bytes = bytesOf(id, 'id');
  return bytes.length <= RECORD_ID_BYTES_MAX ? bytes : refuse(id, 'id', `of at most ${RECORD_ID_BYTES_MAX} bytes`);
}

function headersOf(given: unknown): ReadonlyMap<string, string> {
  const headers = isMap(given)
    ? given
    : new Map<unknown, unknown>(
        isPlain(given) ? Object.entries(given) : refuse(given, 'headers', 'a Map, or an object, of strings'),
      );
  if (headers.size > RECORD_HEADERS_MAX) refuse(headers.size, 'headers', `at most ${RECORD_HEADERS_MAX}`);
  for (const [name, value] of headers) {
    if (typeof name !== 'string') refuse(name, 'the name of a header', 'a string');
    if (typeof value !== 'string') refuse(value, `headers.${name}`, 'a string');
  }
  return headers as ReadonlyMap<string, string>;
}

/** Written as a literal: other objects that hold headers do not show them as fields, and would be taken for empty. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
