import { type Fetch, type Fetched, Start } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';

export function describeFetch(sink: Sink, fetch: Fetch): void {
  sink.uint32(1, fetch.requestId);
  sink.text(2, fetch.topic);
  sink.text(3, fetch.epoch);
  sink.uint53(4, fetch.offset);
  sink.uint32(5, fetch.maxRecords);
  sink.uint32(6, fetch.maxBytes);
  sink.uint32(7, fetch.waitMs);
  sink.uint32(8, fetch.start);
}

export function readFetch(reader: ProtoReader): Fetch {
  const fetch: Draft<Fetch> = {
    type: 'fetch',
    requestId: 0,
    topic: '',
    epoch: '',
    offset: 0,
    maxRecords: 0,
    maxBytes: 0,
    waitMs: 0,
    start: Start.LATEST,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        fetch.requestId = reader.uint32();
        break;
      case 0x12:
        fetch.topic = reader.text();
        break;
      case 0x1a:
        fetch.epoch = reader.text();
        break;
      case 0x20:
        fetch.offset = reader.uint53();
        break;
      case 0x28:
        fetch.maxRecords = reader.uint32();
        break;
      case 0x30:
        fetch.maxBytes = reader.uint32();
        break;
      case 0x38:
        fetch.waitMs = reader.uint32();
        break;
      case 0x40:
        fetch.start = reader.enum<Start>(Start.LATEST, Start.SINCE);
        break;
      default:
        reader.skip(tag);
    }
  }
  return fetch;
}

export function describeFetched(sink: Sink, fetched: Fetched): void {
  sink.uint32(1, fetched.requestId);
  sink.text(2, fetched.epoch);
  sink.uint53(3, fetched.nextOffset);
  sink.bool(4, fetched.more);
}

export function readFetched(reader: ProtoReader): Fetched {
  const fetched: Draft<Fetched> = {
    type: 'fetched',
    requestId: 0,
    epoch: '',
    nextOffset: 0,
    more: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        fetched.requestId = reader.uint32();
        break;
      case 0x12:
        fetched.epoch = reader.text();
        break;
      case 0x18:
        fetched.nextOffset = reader.uint53();
        break;
      case 0x20:
        fetched.more = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return fetched;
}
