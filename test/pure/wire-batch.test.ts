import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  BATCH_RECORDS_MAX,
  BatchView,
  decodePayload,
  encodeFrame,
  FRAME_OVERHEAD,
  frameTag,
  MESSAGES_SLACK_BYTES,
  type Messages,
  type MessagesHead,
  MessagesView,
  messagesFrameBytes,
  type Publish,
  payloadIsIntact,
  type Record,
  type RecordRanges,
  readUint32,
  writeMessagesFrame,
} from '../../src/wire/index.js';

const utf8 = new TextEncoder();
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const record: fc.Arbitrary<Record> = fc.record(
  {
    data: fc.uint8Array({ maxLength: 300 }),
    id: fc.uint8Array({ maxLength: 64 }),
    key: text,
    headers: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((entries) => new Map(entries)),
  },
  { noNullPrototype: true },
);
const publish: fc.Arbitrary<Publish> = fc
  .tuple(fc.nat(), text, fc.array(record, { maxLength: 30 }))
  .map(([requestId, topic, records]) => ({ type: 'publish', requestId, topic, records }));
const plainRecord = (data: Uint8Array, id: Uint8Array = new Uint8Array(0)): Record => ({
  data,
  id,
  key: '',
  headers: new Map(),
});
const publishOf = (records: readonly Record[]): Publish => ({ type: 'publish', requestId: 1, topic: 'a.b', records });
const payloadEnd = (frame: Uint8Array): number => frame.length - 4;

function read(frame: Uint8Array, view = new BatchView()): BatchView {
  assert.equal(view.read(frame, 4, payloadEnd(frame)), undefined);
  return view;
}

/** Writes the frame into shared memory, as the log does, and decodes it again. */
function written(head: MessagesHead, records: RecordRanges, from?: number, to?: number): [Messages, Uint8Array] {
  const size = messagesFrameBytes(head, records, from, to);
  const target = new Uint8Array(new SharedArrayBuffer(size + 30));
  const end = writeMessagesFrame(target, 11, head, records, from, to);
  assert.equal(end - 11, size);
  assert.equal(readUint32(target, 11), size - FRAME_OVERHEAD);
  assert.ok(payloadIsIntact(target, 15, end - 4));
  assert.ok(target.subarray(end).every((byte) => byte === 0));
  const frame = Uint8Array.from(target.subarray(11, end));
  const decoded = decodePayload(frame, 4, payloadEnd(frame));
  assert.ok(decoded.type === 'messages');
  return [decoded, frame];
}

t.test('a publish becomes messages: the same records, byte for byte what the codec would write', (t) => {
  const view = new BatchView();
  fc.assert(
    fc.property(publish, fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), (frame, base, prev, time) => {
      const bytes = encodeFrame(frame);
      read(bytes, view);
      assert.equal(view.requestId, frame.requestId);
      assert.equal(view.count, frame.records.length);
      assert.deepEqual(bytes.subarray(view.topicStart, view.topicEnd), utf8.encode(frame.topic));
      assert.equal(
        view.hasIds,
        frame.records.some(({ id }) => id.length > 0),
      );
      for (const [index, { id, key }] of frame.records.entries()) {
        assert.deepEqual(bytes.subarray(view.idStarts[index], view.idEnds[index]), id);
        assert.deepEqual(bytes.subarray(view.keyStarts[index], view.keyEnds[index]), utf8.encode(key));
      }
      const topic = frame.topic === '' ? 'x' : frame.topic;
      const head = { topicUtf8: utf8.encode(topic), baseOffset: base, prevOffset: prev, timestampUs: time };
      const [, out] = written(head, view);
      const expected: Messages = {
        type: 'messages',
        topic,
        baseOffset: base,
        prevOffset: prev,
        timestampUs: time,
        records: frame.records,
      };
      assert.deepEqual(out, encodeFrame(expected));
      assert.ok(frame.topic === '' || out.length <= bytes.length + MESSAGES_SLACK_BYTES);
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('duplicates are taken out, and a frame is cut in parts, keeping order and offsets', (t) => {
  fc.assert(
    fc.property(publish, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), fc.nat(30), (frame, drops, cut) => {
      const view = read(encodeFrame(frame));
      const kept = frame.records.filter((_, index) => !drops[index]);
      for (let index = 0; index < view.count; index += 1) {
        if (drops[index]) {
          view.drop(index);
        }
      }
      assert.equal(view.compact(), kept.length);
      const head = { topicUtf8: utf8.encode('a'), baseOffset: 100, prevOffset: 99, timestampUs: 5 };
      const [messages, bytes] = written(head, view);
      assert.deepEqual(messages.records, kept);

      const again = new MessagesView();
      assert.equal(again.read(bytes, 0), undefined);
      assert.equal(again.frameEnd, bytes.length);
      assert.deepEqual([again.baseOffset, again.prevOffset, again.timestampUs, again.count], [100, 99, 5, kept.length]);
      assert.deepEqual(bytes.subarray(again.topicStart, again.topicEnd), utf8.encode('a'));
      const at = Math.min(cut, kept.length);
      const [front] = written(head, again, 0, at);
      const [back] = written({ ...head, baseOffset: 100 + at }, again, at);
      assert.deepEqual([...front.records, ...back.records], kept);
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('a view and the codec agree on what is undecodable', (t) => {
  const view = new BatchView();
  const damaged = fc
    .tuple(publish, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
    .map(([frame, damage]) => {
      const bytes = encodeFrame(frame);
      for (const [at, byte] of damage) {
        bytes[4 + (at % (bytes.length - 8))] = byte;
      }
      return bytes;
    });
  let faults = 0;
  fc.assert(
    fc.property(damaged, (bytes) => {
      const decoded = decodePayload(bytes, 4, payloadEnd(bytes));
      const fault = view.read(bytes, 4, payloadEnd(bytes));
      if (decoded.type === 'publish') {
        assert.equal(fault, undefined);
        assert.equal(view.count, decoded.records.length);
        const head = { topicUtf8: utf8.encode('a'), baseOffset: 1, prevOffset: 0, timestampUs: 0 };
        assert.deepEqual(written(head, view)[0].records, decoded.records, 'what is handed on can be decoded');
      } else {
        faults += 1;
        const reasons = ['not a publish', decoded.type === 'fault' ? decoded.reason : ''];
        assert.ok(fault !== undefined && reasons.includes(fault), fault);
      }
    }),
    { numRuns: 3000 },
  );
  t.ok(faults > 100);
  t.end();
});

t.test('fields that come between, twice, in odd order or written long are taken as protobuf says', (t) => {
  const record = [0x0a, 0x01, 0x61];
  const body = [
    ...[0x1a, record.length, ...record],
    ...[0x12, 1, 0x78],
    ...[0x9a, 0x00, 0x83, 0x00, ...record],
    ...[0xa0, 0x06, 0x01],
    ...[0x1a, record.length, ...record],
    ...[0x12, 1, 0x79],
    ...[0x1a, 0],
  ];
  // The same frame twice: the last one counts.
  const bytes = Uint8Array.from([0x4a, 2, 0x08, 9, 0x4a, body.length, ...body]);
  const view = new BatchView();
  t.equal(view.read(bytes, 0, bytes.length), undefined);
  t.same([view.requestId, view.count], [0, 4]);
  t.same(bytes.slice(view.topicStart, view.topicEnd), utf8.encode('y'));
  const head = { topicUtf8: utf8.encode('y'), baseOffset: 1, prevOffset: 0, timestampUs: 0 };
  const [messages] = written(head, view);
  const a = plainRecord(utf8.encode('a'));
  t.same(messages.records, [a, a, a, plainRecord(new Uint8Array(0))]);
  t.same(frameTag(bytes, 0, bytes.length), 9);
  t.end();
});

t.test('limits of a batch: 4096 records, ids of 64 bytes', (t) => {
  const most = read(encodeFrame(publishOf(new Array(BATCH_RECORDS_MAX).fill(plainRecord(new Uint8Array(3))))));
  t.equal(most.count, BATCH_RECORDS_MAX);
  const over = Uint8Array.from(Array.from({ length: 4097 * 2 }, (_, index) => (index % 2 ? 0 : 0x1a)));
  const bytes = Uint8Array.from([0x4a, 0x82, 0x40, ...over]);
  t.match(most.read(bytes, 0, bytes.length), /more than 4096 records/);
  t.match(decodePayload(bytes), { type: 'fault', reason: /more than 4096 records/ });
  const longId = Uint8Array.from([0x4a, 69, 0x1a, 67, 0x12, 65, ...new Uint8Array(65)]);
  t.match(most.read(longId, 0, longId.length), /more than 64 bytes/);
  t.equal(read(encodeFrame(publishOf([plainRecord(new Uint8Array(0), new Uint8Array(64))])), most).hasIds, true);
  t.end();
});

t.test('F3 a publish of any size grows by at most the slack that receivers allow', (t) => {
  const head = {
    topicUtf8: utf8.encode('a.b'),
    baseOffset: 2 ** 53 - 1,
    prevOffset: 2 ** 53 - 2,
    timestampUs: 2 ** 53 - 1,
  };
  for (const size of [0, 90, 100, 115, 127, 128, 16_300, 16_350, 16_384, 2_097_110, 2_097_140]) {
    for (const requestId of [0, 1]) {
      const frame = encodeFrame({ ...publishOf([plainRecord(new Uint8Array(size))]), requestId });
      const grown = messagesFrameBytes(head, read(frame)) - frame.length;
      t.ok(grown <= MESSAGES_SLACK_BYTES, `${size} bytes grow by ${grown}`);
    }
  }
  t.end();
});

t.test('a frame of the log that is not what it should be is told so', (t) => {
  const view = new MessagesView();
  const frame = encodeFrame(publishOf([]));
  t.equal(view.read(frame, 0), 'not messages');
  t.equal(view.read(frame.subarray(0, frame.length - 1), 0), 'a frame that is not whole');
  t.end();
});
