import { RECORD_ID_BYTES_MAX, utf8Bytes, type Record as WireRecord } from '../wire/index.js';
import { invalid } from './errors.js';

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

/** The longest topic, in bytes of UTF-8, as the protocol has it. */
const TOPIC_BYTES_MAX = 255;
/** Leaves room for a counter in an id. */
const PREFIX_CHARS_MAX = RECORD_ID_BYTES_MAX - 16;

const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const encoder = new TextEncoder();

const bytesOf = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? encoder.encode(value) : value);

/** Throws INVALID_ARGUMENT for what no server would take, because it might end the connection for it. */
export function checkTopic(topic: string): void {
  const bytes = utf8Bytes(topic);
  if (bytes === 0 || bytes > TOPIC_BYTES_MAX) throw invalid(`a topic must have 1 to ${TOPIC_BYTES_MAX} bytes`);
}

/** Makes records as the wire has them, each with an id: those made here are never made twice, nor by another client. */
export function recordMaker(unique: string): (input: PublishInput) => WireRecord {
  const prefix = `${unique.slice(0, PREFIX_CHARS_MAX)}-`;
  let made = 0;
  const nextId = (): Uint8Array => {
    made += 1;
    return encoder.encode(prefix + made.toString(36));
  };
  return (input) => {
    if (typeof input === 'string' || input instanceof Uint8Array) {
      return { data: bytesOf(input), id: nextId(), key: '', headers: NO_HEADERS };
    }
    const { data, key = '', headers, id } = input;
    return { data: bytesOf(data), id: id === undefined ? nextId() : bytesOf(id), key, headers: headersOf(headers) };
  };
}

function headersOf(headers: PublishRecord['headers']): ReadonlyMap<string, string> {
  if (headers === undefined) return NO_HEADERS;
  return headers instanceof Map ? headers : new Map(Object.entries(headers));
}
