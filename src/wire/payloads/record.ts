import { BATCH_RECORDS_MAX, RECORD_ID_BYTES_MAX, type Record } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import { type Sink, WireValueError } from '../writer.js';

/**
 * The most headers that a record may have; with more, the payload is undecodable. Far above what anybody needs, and low
 * enough that a frame cannot be turned into a map of half a million entries.
 */
export const RECORD_HEADERS_MAX = 1024;

export const TOO_MANY_RECORDS = `more than ${BATCH_RECORDS_MAX} records in a batch`;
export const TOO_MANY_HEADERS = `more than ${RECORD_HEADERS_MAX} headers in a record`;
export const ID_TOO_LONG = `a record id of more than ${RECORD_ID_BYTES_MAX} bytes`;

const EMPTY = new Uint8Array(0);

/** An entry of a protobuf map is a message of key and value. */
function describeHeader(sink: Sink, [key, value]: readonly [string, string]): void {
  sink.elementText(1, key);
  sink.elementText(2, value);
}

function readHeader(reader: ProtoReader): readonly [string, string] {
  let key = '';
  let value = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        key = reader.text();
        break;
      case 0x12:
        value = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return [key, value];
}

function describeRecord(sink: Sink, record: Record): void {
  sink.blob(1, record.data);
  sink.blob(2, record.id);
  sink.text(3, record.key);
  for (const header of record.headers) {
    sink.message(4, describeHeader, header);
  }
}

/** Writes the records of a batch as elements of the given field. Throws `WireValueError` for what exceeds a limit. */
export function describeRecords(sink: Sink, field: number, records: readonly Record[]): void {
  if (records.length > BATCH_RECORDS_MAX) {
    throw new WireValueError(TOO_MANY_RECORDS);
  }
  for (const record of records) {
    if (record.id.length > RECORD_ID_BYTES_MAX) {
      throw new WireValueError(ID_TOO_LONG);
    }
    if (record.headers.size > RECORD_HEADERS_MAX) {
      throw new WireValueError(TOO_MANY_HEADERS);
    }
    sink.message(field, describeRecord, record);
  }
}

function readRecord(reader: ProtoReader): Record {
  const headers = new Map<string, string>();
  const record: Draft<Record> = { data: EMPTY, id: EMPTY, key: '', headers };
  let headerCount = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        record.data = reader.blob();
        break;
      case 0x12:
        record.id = reader.blob();
        break;
      case 0x1a:
        record.key = reader.text();
        break;
      case 0x22:
        headerCount += 1;
        headers.set(...reader.message(readHeader));
        break;
      default:
        reader.skip(tag);
    }
    if (headerCount > RECORD_HEADERS_MAX) {
      reader.fail(TOO_MANY_HEADERS);
    }
  }
  if (record.id.length > RECORD_ID_BYTES_MAX) {
    reader.fail(ID_TOO_LONG);
  }
  return record;
}

/** Reads one more element of a batch. Its `data` and `id` are views of the reader's bytes. */
export function readRecordInto(records: Record[], reader: ProtoReader): void {
  if (records.length === BATCH_RECORDS_MAX) {
    reader.fail(TOO_MANY_RECORDS);
    return;
  }
  records.push(reader.message(readRecord));
}
