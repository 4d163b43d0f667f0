import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import t from 'tap';
import {
  crc32,
  type DecodeFault,
  DecodeStep,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameName,
  FrameType,
  frameBytes,
  frameTag,
  GapReason,
  OnLag,
  RECORD_HEADERS_MAX,
  type Record,
  Start,
  WireValueError,
  writeFrame,
} from '../../src/wire/index.js';
import { ProtoReader } from '../../src/wire/reader.js';

const library = new protobuf.Root().loadSync('proto/push.proto').lookupType('pushd.v1.Frame');

/** Plain objects, as the codec makes them. */
const object = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true });
const uint32 = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(300));
const uint53 = fc.oneof(fc.constant(0), fc.maxSafeNat(), fc.nat(300));
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), fc.constant(''));
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
// The library keeps headers in an object, where __proto__ is not a name like any other; it has a test of its own.
const header = fc.tuple(
  text.filter((key) => key !== '__proto__'),
  text,
);
const record: fc.Arbitrary<Record> = object({
  data: bytes(300),
  id: bytes(64),
  key: text,
  headers: fc.array(header, { maxLength: 4 }).map((entries) => new Map(entries)),
});
const position = object({ topic: text, epoch: text, offset: uint53 });
const batch = fc.array(record, { maxLength: 5 });
const requestId = uint32;
const start = fc.constantFrom(...Object.values(Start));
const bigs = { nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), sentUs: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) };

type Fields<N extends FrameName> = Omit<Extract<Frame, { type: N }>, 'type'>;
const fields: { [N in FrameName]: fc.Arbitrary<Fields<N>> } = {
  hello: object({
    version: uint32,
    client: text,
    token: text,
    heartbeatMs: uint32,
    connectMs: uint32,
    attempt: uint32,
    resuming: fc.boolean(),
  }),
  welcome: object({
    version: uint32,
    connectionId: text,
    server: text,
    heartbeatMs: uint32,
    maxPayload: uint32,
    principal: text,
  }),
  ping: object({ ...bigs, rttUs: uint32 }),
  pong: object(bigs),
  subscribe: object({
    requestId,
    topic: text,
    start,
    epoch: text,
    offset: uint53,
    lastN: uint32,
    sinceUs: uint53,
    onLag: fc.constantFrom(...Object.values(OnLag)),
    positions: fc.array(position, { maxLength: 4 }),
  }),
  subscribed: object({ requestId, topic: text, epoch: text, nextOffset: uint53, headOffset: uint53 }),
  unsubscribe: object({ requestId, topic: text }),
  unsubscribed: object({ requestId, topic: text }),
  publish: object({ requestId, topic: text, records: batch }),
  ack: object({
    requestId,
    epoch: text,
    baseOffset: uint53,
    results: fc.array(object({ offset: uint53, duplicate: fc.boolean() }), { maxLength: 4 }),
  }),
  messages: object({ topic: text, baseOffset: uint53, prevOffset: uint53, timestampUs: uint53, records: batch }),
  gap: object({
    topic: text,
    epoch: text,
    fromOffset: uint53,
    toOffset: uint53,
    reason: fc.constantFrom(...Object.values(GapReason)),
  }),
  fetch: object({
    requestId,
    topic: text,
    epoch: text,
    offset: uint53,
    maxRecords: uint32,
    maxBytes: uint32,
    waitMs: uint32,
    start,
  }),
  fetched: object({ requestId, epoch: text, nextOffset: uint53, more: fc.boolean() }),
  error: object({ requestId, code: uint32, message: text }),
  close: object({ code: uint32, reason: text, retryable: fc.boolean(), retryAfterMs: uint32, endpoint: text }),
};
const names = Object.keys(FrameType) as FrameName[];
const frameOf = (type: FrameName): fc.Arbitrary<Frame> =>
  (fields[type] as fc.Arbitrary<object>).map((values) => ({ type, ...values }) as Frame);

/** Both sides' values in one shape: numbers of any kind as text, bytes as hex, headers as sorted entries. */
function plain(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return String(value);
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('hex');
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'type')
      .map(([name, field]) => [name, name === 'headers' ? entriesOf(field) : plain(field)]),
  );
}
const entriesOf = (headers: object) => (headers instanceof Map ? [...headers] : Object.entries(headers)).sort();

/** A value as the library wants it. */
function forLibrary(value: unknown): unknown {
  if (typeof value === 'bigint' || (typeof value === 'number' && value > 2 ** 32)) {
    return String(value);
  }
  if (value instanceof Map) {
    return Object.fromEntries(value);
  }
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) {
    return value;
  }
  return Array.isArray(value)
    ? value.map(forLibrary)
    : Object.fromEntries(Object.entries(value).map(([name, field]) => [name, forLibrary(field)]));
}

function payload(frame: Uint8Array): Uint8Array {
  return frame.subarray(4, frame.length - 4);
}

function faultOf(decoded: Frame | DecodeFault): string {
  return decoded.type === 'fault' ? decoded.reason : '';
}

t.test('every frame survives encoding and decoding, and a codec made from push.proto agrees both ways', (t) => {
  for (const type of names) {
    fc.assert(
      fc.property(frameOf(type), (frame) => {
        const encoded = encodeFrame(frame);
        assert.equal(encoded.length, frameBytes(frame));
        assert.equal(frameTag(encoded, 4, encoded.length - 4), FrameType[type]);
        assert.deepEqual(decodePayload(payload(encoded)), frame);

        const theirs = library.toObject(library.decode(payload(encoded)), { longs: String, defaults: true });
        assert.deepEqual(plain(theirs[type]), plain(frame));

        const { type: _, ...values } = frame;
        const written = library.encode(library.fromObject({ [type]: forLibrary(values) })).finish();
        assert.deepEqual(decodePayload(Uint8Array.from(written)), frame);
      }),
      { numRuns: 60 },
    );
    t.pass(type);
  }
  t.end();
});

/** The JSON's names are those of push.proto, the codec's are camelCase. */
const upper = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(camelCase);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, field]) => [upper(name), camelCase(field)]))
    : value;
}

interface Vectors {
  good: { name: string; frame: { [type: string]: object }; hex: string }[];
  bad: { name: string; outcome: string; hex: string }[];
}
const vectors: Vectors = JSON.parse(readFileSync('test/vectors/vectors.json', 'utf8'));

/** What a decoder makes of chunks: the payloads, and how it ended. */
function feed(chunks: readonly Uint8Array[]): { frames: (Frame | DecodeFault)[]; outcome: string } {
  const decoder = new FrameDecoder('skip');
  const frames: (Frame | DecodeFault)[] = [];
  let outcome = 'ok';
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let step = decoder.next(); step !== DecodeStep.NEED_MORE; step = decoder.next()) {
      if (step === DecodeStep.FATAL) {
        return { frames, outcome: decoder.fault?.code ?? '' };
      }
      if (step === DecodeStep.FRAME) {
        frames.push(decodePayload(decoder.bytes, decoder.start, decoder.end));
      } else {
        outcome = 'CORRUPT';
      }
    }
  }
  return { frames, outcome };
}

t.test('golden frames: whole, byte by byte, and with a neighbour behind', (t) => {
  const neighbour = encodeFrame({ type: 'pong', nonce: 5n, sentUs: 6n });
  for (const { name, frame, hex } of vectors.good) {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    const [type, values] = Object.entries(frame)[0] as [FrameName, object];
    const whole = feed([bytes]).frames;
    t.equal(whole.length, 1, name);
    t.same(Buffer.from(encodeFrame(whole[0] as Frame)).toString('hex'), hex, `${name}: encoded to the last bit`);
    const fromJson = library.fromObject({ [type]: camelCase(values) });
    t.strictSame(
      plain(whole[0]),
      plain(library.toObject(fromJson, { longs: String, defaults: true })[type]),
      `${name}: means what the JSON says`,
    );
    t.same(feed([...bytes].map((byte) => Uint8Array.of(byte))).frames, whole, `${name}: byte by byte`);
    t.same(feed([Buffer.concat([bytes, neighbour])]).frames.length, 2, `${name}: with a neighbour`);
  }
  t.end();
});

t.test('F11 golden bad frames: each has its outcome, however it is cut', (t) => {
  for (const { name, outcome, hex } of vectors.bad) {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      const result = feed(chunks);
      const fault = result.frames.some((frame) => frame.type === 'fault') ? 'fault' : result.outcome;
      t.equal(fault, outcome, name);
    }
  }
  t.end();
});

const publishOf = (records: readonly Record[]): Frame => ({ type: 'publish', requestId: 1, topic: 'a', records });
const recordOf = (headers: ReadonlyMap<string, string>, id = new Uint8Array(0)): Record => ({
  data: Uint8Array.of(1),
  id,
  key: '',
  headers,
});

t.test('F11 __proto__ is a header name like any other', (t) => {
  const headers = new Map([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
  const decoded = decodePayload(payload(encodeFrame(publishOf([recordOf(headers)]))));
  t.same(decoded.type === 'publish' && [...decoded.records[0].headers], [...headers]);
  t.end();
});

t.test('F11 unknown fields are skipped, at every level', (t) => {
  // Field 100 as varint, 8 bytes, bytes and 4 bytes.
  const unknown = [
    0xa0, 0x06, 0x96, 0x01, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa2, 0x06, 2, 7, 7, 0xa5, 0x06, 1, 2, 3, 4,
  ];
  const hello = [...unknown, 0x08, 0x01, ...unknown];
  const bytes = Uint8Array.from([...unknown, 0x0a, hello.length, ...hello, ...unknown]);
  const decoded = decodePayload(bytes);
  t.match(decoded, { type: 'hello', version: 1, client: '' });
  t.equal(frameTag(bytes, 0, bytes.length), FrameType.hello);
  t.end();
});

t.test('F11 10^5 headers: refused after 1024, at bounded cost', (t) => {
  const pairs = Array.from({ length: 100_000 }, (_, index) => [`h${index}`, ''] as const);
  t.throws(() => encodeFrame(publishOf([recordOf(new Map(pairs))])), WireValueError);
  const theirs = library.encode({ publish: { records: [{ headers: Object.fromEntries(pairs) }] } }).finish();
  t.match(faultOf(decodePayload(theirs)), /more than 1024 headers/);
  const most = publishOf([recordOf(new Map(pairs.slice(0, RECORD_HEADERS_MAX)))]);
  t.same(decodePayload(payload(encodeFrame(most))), most);
  t.end();
});

t.test('F11 arbitrary bytes never throw, and break as a whole', (t) => {
  const someFrame = fc.oneof(...names.map(frameOf)).map((frame) => payload(encodeFrame(frame)));
  const damaged = fc.tuple(someFrame, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged), (bytes) => {
      const decoded = decodePayload(bytes);
      assert.ok(decoded.type === 'fault' ? decoded.reason !== '' : encodeFrame(decoded).length > 8);
    }),
    { numRuns: 3000 },
  );
  t.pass();
  t.end();
});

t.test('a failure of the reader sticks, and everything after it reads as nothing', (t) => {
  const reader = new ProtoReader();
  // A nested message with a string that is longer than it is, and a good field behind.
  reader.open(Uint8Array.from([0x0a, 2, 0x12, 9, 0x18, 7]), 0, 6);
  t.equal(reader.tag(), 0x0a);
  const outerEnd = reader.enter();
  t.equal(reader.tag(), 0x12);
  t.equal(reader.text(), '');
  reader.leave(outerEnd);
  t.match(reader.fault, /longer than what holds it/);
  t.same([reader.tag(), reader.uint32(), reader.uint53(), reader.uint64(), reader.text()], [0, 0, 0, 0n, '']);
  t.match(reader.fault, /longer than what holds it/, 'the first reason is kept');
  t.end();
});

t.test('strings: exactly the well-formed UTF-8 is taken', (t) => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const pieces = fc.constantFrom(
    0x41,
    0x7f,
    0x80,
    0xbf,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xa0,
    0xed,
    0x9f,
    0xef,
    0xf0,
    0x90,
    0xf4,
    0xf5,
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (string) => {
      const decoded = decodePayload(Uint8Array.from([0x0a, string.length + 2, 0x12, string.length, ...string]));
      let expected: string | undefined;
      try {
        expected = strict.decode(Uint8Array.from(string));
      } catch {}
      assert.equal(decoded.type === 'hello' ? decoded.client : undefined, expected);
    }),
    { numRuns: 3000 },
  );
  const lone = decodePayload(payload(encodeFrame({ type: 'unsubscribe', requestId: 0, topic: 'a\ud800b' })));
  t.match(lone, { topic: 'a\ufffdb' }, 'a lone surrogate becomes U+FFFD');
  t.end();
});

t.test('values that the wire cannot carry are refused with a stable code', (t) => {
  const ack: Frame = { type: 'ack', requestId: 1, epoch: '', baseOffset: 1, results: [] };
  for (const baseOffset of [-1, 1.5, 2 ** 53, Number.NaN]) {
    t.throws(() => encodeFrame({ ...ack, baseOffset }), { code: 'ERR_WIRE_VALUE' });
  }
  t.throws(() => encodeFrame({ ...ack, requestId: 2 ** 32 }), { code: 'ERR_WIRE_VALUE' });
  t.throws(() => encodeFrame(publishOf([recordOf(new Map(), new Uint8Array(65))])), { code: 'ERR_WIRE_VALUE' });
  t.throws(() => encodeFrame(publishOf(new Array(4097).fill(recordOf(new Map())))), { code: 'ERR_WIRE_VALUE' });
  t.end();
});

t.test('a frame is written where it is wanted, and nowhere else', (t) => {
  const frame: Frame = { type: 'close', code: 2000, reason: 'busy', retryable: true, retryAfterMs: 1, endpoint: '' };
  const target = new Uint8Array(new SharedArrayBuffer(frameBytes(frame) + 20)).fill(0xaa);
  const end = writeFrame(frame, target, 7);
  t.equal(end, 7 + frameBytes(frame));
  t.same(target.slice(7, end), encodeFrame(frame));
  t.ok(target.subarray(0, 7).every((byte) => byte === 0xaa) && target.subarray(end).every((byte) => byte === 0xaa));
  t.end();
});

t.test('crc32 is that of zlib for every length, from every start', (t) => {
  const check = Buffer.from('123456789');
  t.equal(crc32(check, 0, 9), 0xcbf43926);
  const slow = (bytes: Uint8Array): number => {
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) {
        crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
      }
    }
    return ~crc >>> 0;
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600, size: 'max' }), fc.nat(20), (bytes, from) => {
      const start = Math.min(from, bytes.length);
      assert.equal(crc32(bytes, start, bytes.length), slow(bytes.subarray(start)));
    }),
  );
  t.end();
});
