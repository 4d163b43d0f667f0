import type { Ack, AckResult, Publish, Record } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';
import { describeRecords, readRecordInto } from './record.js';

export function describePublish(sink: Sink, publish: Publish): void {
  sink.uint32(1, publish.requestId);
  sink.text(2, publish.topic);
  describeRecords(sink, 3, publish.records);
}

export function readPublish(reader: ProtoReader): Publish {
  const records: Record[] = [];
  const publish: Draft<Publish> = {
    type: 'publish',
    requestId: 0,
    topic: '',
    records,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        publish.requestId = reader.uint32();
        break;
      case 0x12:
        publish.topic = reader.text();
        break;
      case 0x1a:
        readRecordInto(records, reader);
        break;
      default:
        reader.skip(tag);
    }
  }
  return publish;
}

function describeAckResult(sink: Sink, result: AckResult): void {
  sink.uint53(1, result.offset);
  sink.bool(2, result.duplicate);
}

function readAckResult(reader: ProtoReader): AckResult {
  const result: Draft<AckResult> = {
    offset: 0,
    duplicate: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        result.offset = reader.uint53();
        break;
      case 0x10:
        result.duplicate = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return result;
}

export function describeAck(sink: Sink, ack: Ack): void {
  sink.uint32(1, ack.requestId);
  sink.text(2, ack.epoch);
  sink.uint53(3, ack.baseOffset);
  for (const result of ack.results) {
    sink.message(4, describeAckResult, result);
  }
}

export function readAck(reader: ProtoReader): Ack {
  const results: AckResult[] = [];
  const ack: Draft<Ack> = {
    type: 'ack',
    requestId: 0,
    epoch: '',
    baseOffset: 0,
    results,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        ack.requestId = reader.uint32();
        break;
      case 0x12:
        ack.epoch = reader.text();
        break;
      case 0x18:
        ack.baseOffset = reader.uint53();
        break;
      case 0x22:
        results.push(reader.message(readAckResult));
        break;
      default:
        reader.skip(tag);
    }
  }
  return ack;
}
