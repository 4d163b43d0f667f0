import { type Gap, GapReason, type Messages, type Record } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';
import { describeRecords, readRecordInto } from './record.js';

export function describeMessages(sink: Sink, messages: Messages): void {
  sink.text(1, messages.topic);
  sink.uint53(2, messages.baseOffset);
  sink.uint53(3, messages.prevOffset);
  sink.uint53(4, messages.timestampUs);
  describeRecords(sink, 5, messages.records);
}

export function readMessages(reader: ProtoReader): Messages {
  const records: Record[] = [];
  const messages: Draft<Messages> = {
    type: 'messages',
    topic: '',
    baseOffset: 0,
    prevOffset: 0,
    timestampUs: 0,
    records,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        messages.topic = reader.text();
        break;
      case 0x10:
        messages.baseOffset = reader.uint53();
        break;
      case 0x18:
        messages.prevOffset = reader.uint53();
        break;
      case 0x20:
        messages.timestampUs = reader.uint53();
        break;
      case 0x2a:
        readRecordInto(records, reader);
        break;
      default:
        reader.skip(tag);
    }
  }
  return messages;
}

export function describeGap(sink: Sink, gap: Gap): void {
  sink.text(1, gap.topic);
  sink.text(2, gap.epoch);
  sink.uint53(3, gap.fromOffset);
  sink.uint53(4, gap.toOffset);
  sink.uint32(5, gap.reason);
}

export function readGap(reader: ProtoReader): Gap {
  const gap: Draft<Gap> = {
    type: 'gap',
    topic: '',
    epoch: '',
    fromOffset: 0,
    toOffset: 0,
    reason: GapReason.EVICTED,
  };
  let hasReason = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        gap.topic = reader.text();
        break;
      case 0x12:
        gap.epoch = reader.text();
        break;
      case 0x18:
        gap.fromOffset = reader.uint53();
        break;
      case 0x20:
        gap.toOffset = reader.uint53();
        break;
      case 0x28:
        hasReason = true;
        gap.reason = reader.enum<GapReason>(GapReason.EVICTED, GapReason.CORRUPT);
        break;
      default:
        reader.skip(tag);
    }
  }
  if (!hasReason) {
    reader.fail('a gap without a reason');
  }
  return gap;
}
