import { BATCH_RECORDS_MAX, RECORD_ID_BYTES_MAX } from './frames.js';
import { ID_TOO_LONG, RECORD_HEADERS_MAX, TOO_MANY_HEADERS, TOO_MANY_RECORDS } from './payloads/record.js';
import type { ProtoReader } from './reader.js';

const EMPTY = new Uint8Array(0);
const DROPPED = -1;

/**
 * Where the records of a batch lie in the bytes they came in: ranges in flat arrays instead of an object for each, so
 * that one instance serves batch after batch. Every record has been validated as strictly as if it had been decoded,
 * because its bytes are handed on as they stand, and must not be able to break anybody's parser.
 */
export class RecordRanges {
  /** The bytes that all ranges refer to. */
  source: Uint8Array = EMPTY;
  /** Records that are there; the entries of the arrays from `count` on mean nothing. */
  count = 0;
  /** The body of each `Record` message, without tag and length. */
  readonly starts = new Int32Array(BATCH_RECORDS_MAX);
  readonly ends = new Int32Array(BATCH_RECORDS_MAX);
  /** The bytes of each record's id; an empty range: none. */
  readonly idStarts = new Int32Array(BATCH_RECORDS_MAX);
  readonly idEnds = new Int32Array(BATCH_RECORDS_MAX);
  /** The UTF-8 of each record's key; an empty range: none. */
  readonly keyStarts = new Int32Array(BATCH_RECORDS_MAX);
  readonly keyEnds = new Int32Array(BATCH_RECORDS_MAX);
  /** Whether any record has an id. */
  hasIds = false;

  /** Marks a record to be left out by the next `compact`. */
  drop(index: number): void {
    this.starts[index] = DROPPED;
  }

  /** Takes out what was dropped; the others keep their order. Returns how many there are now. */
  compact(): number {
    let kept = 0;
    for (let index = 0; index < this.count; index += 1) {
      if (this.starts[index] !== DROPPED) {
        this.starts[kept] = this.starts[index];
        this.ends[kept] = this.ends[index];
        this.idStarts[kept] = this.idStarts[index];
        this.idEnds[kept] = this.idEnds[index];
        this.keyStarts[kept] = this.keyStarts[index];
        this.keyEnds[kept] = this.keyEnds[index];
        kept += 1;
      }
    }
    this.count = kept;
    return kept;
  }

  protected reset(source: Uint8Array): void {
    this.source = source;
    this.count = 0;
    this.hasIds = false;
  }

  /** Takes the next element of the field that holds the records. */
  protected add(reader: ProtoReader): void {
    const index = this.count;
    if (index === BATCH_RECORDS_MAX) {
      reader.fail(TOO_MANY_RECORDS);
      return;
    }
    const outerEnd = reader.enter();
    this.starts[index] = reader.at;
    this.ends[index] = reader.end;
    this.#scan(reader, index);
    reader.leave(outerEnd);
    this.count += 1;
  }

  #scan(reader: ProtoReader, index: number): void {
    this.idStarts[index] = this.idEnds[index] = this.keyStarts[index] = this.keyEnds[index] = reader.at;
    let headers = 0;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case 0x12:
          reader.range();
          this.idStarts[index] = reader.from;
          this.idEnds[index] = reader.to;
          break;
        case 0x1a:
          reader.textRange();
          this.keyStarts[index] = reader.from;
          this.keyEnds[index] = reader.to;
          break;
        case 0x22:
          headers += 1;
          scanHeader(reader);
          break;
        default:
          reader.skip(tag);
      }
    }
    const idBytes = this.idEnds[index] - this.idStarts[index];
    this.hasIds ||= idBytes > 0;
    if (idBytes > RECORD_ID_BYTES_MAX) {
      reader.fail(ID_TOO_LONG);
    }
    if (headers > RECORD_HEADERS_MAX) {
      reader.fail(TOO_MANY_HEADERS);
    }
  }
}

function scanHeader(reader: ProtoReader): void {
  const outerEnd = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a || tag === 0x12) {
      reader.textRange();
    } else {
      reader.skip(tag);
    }
  }
  reader.leave(outerEnd);
}
