/**
 * test/vectors/vectors.json: golden frames, made from proto/push.proto by protobufjs and zlib alone, so that they owe
 * nothing to the codec they test. For codecs in other languages too: `frame` is proto3's JSON mapping with the fields'
 * own names, `hex` the whole frame with its length and CRC.
 */
import { crc32 } from 'node:zlib';
import protobuf from 'protobufjs';

const root = new protobuf.Root().loadSync('proto/push.proto', { keepCase: true });
const Frame = root.lookupType('pushd.v1.Frame');
const base64 = (text) => Buffer.from(text).toString('base64');

function seal(payload) {
  const frame = Buffer.alloc(payload.length + 8);
  frame.writeUInt32BE(payload.length, 0);
  frame.set(payload, 4);
  frame.writeUInt32BE(crc32(payload), payload.length + 4);
  return frame;
}

const encode = (frame) => seal(Frame.encode(Frame.fromObject(frame)).finish());
const payloadOf = (...bytes) => seal(Uint8Array.from(bytes));

const GOOD = {
  'hello, empty': { hello: {} },
  hello: {
    hello: {
      version: 1,
      client: 'ticker/2.1',
      token: 'secret',
      heartbeat_ms: 5000,
      connect_ms: 17,
      attempt: 3,
      resuming: true,
    },
  },
  welcome: {
    welcome: {
      version: 1,
      connection_id: 'c-1f',
      server: 'push-daemon/0.1.0',
      heartbeat_ms: 5000,
      max_payload: 1048576,
      principal: 'alice',
    },
  },
  'ping, all bits': { ping: { nonce: '18446744073709551615', sent_us: '-1', rtt_us: 4294967295 } },
  pong: { pong: { nonce: '1', sent_us: '1700000000000000' } },
  'subscribe, latest': { subscribe: { request_id: 1, topic: 'market.eur.usd' } },
  'subscribe, position': {
    subscribe: {
      request_id: 2,
      topic: 'a.b',
      start: 'POSITION',
      epoch: 'e1',
      offset: '9007199254740991',
      on_lag: 'SKIP',
    },
  },
  'subscribe, pattern': {
    subscribe: {
      request_id: 3,
      topic: 'market.>',
      start: 'EARLIEST',
      on_lag: 'LATEST_PER_KEY',
      positions: [{ topic: 'market.a', epoch: 'e1', offset: '128' }, {}],
    },
  },
  'subscribe, since': { subscribe: { request_id: 4, topic: 'a', start: 'SINCE', since_us: '1700000000000000' } },
  'subscribe, last n': { subscribe: { request_id: 5, topic: 'a', start: 'LAST_N', last_n: 10, on_lag: 'DISCONNECT' } },
  subscribed: { subscribed: { request_id: 1, topic: 'a.b', epoch: 'e1', next_offset: '41', head_offset: '40' } },
  unsubscribe: { unsubscribe: { request_id: 6, topic: 'a.b' } },
  unsubscribed: { unsubscribed: { request_id: 6, topic: 'a.b' } },
  'publish, one record': { publish: { request_id: 7, topic: 'a.b', records: [{ data: base64('hello') }] } },
  'publish, everything': {
    publish: {
      request_id: 300,
      topic: 'größe.價格.😀',
      records: [
        { data: base64('x'.repeat(300)), id: base64('id-1'), key: 'EUR/USD', headers: { trace: 'abc', '': '' } },
        {},
      ],
    },
  },
  ack: { ack: { request_id: 7, epoch: 'e1', base_offset: '41' } },
  'ack, with a duplicate': {
    ack: {
      request_id: 7,
      epoch: 'e1',
      base_offset: '41',
      results: [{ offset: '41' }, { offset: '12', duplicate: true }],
    },
  },
  messages: {
    messages: {
      topic: 'a.b',
      base_offset: '41',
      prev_offset: '40',
      timestamp_us: '1700000000000000',
      records: [{ data: base64('hello'), key: 'k' }, { data: base64('world') }],
    },
  },
  gap: { gap: { topic: 'a.b', epoch: 'e1', from_offset: '1', to_offset: '40', reason: 'EVICTED' } },
  fetch: {
    fetch: {
      request_id: 8,
      topic: 'a.b',
      epoch: 'e1',
      offset: '41',
      max_records: 100,
      max_bytes: 65536,
      wait_ms: 1000,
      start: 'POSITION',
    },
  },
  fetched: { fetched: { request_id: 8, epoch: 'e1', next_offset: '43', more: true } },
  error: { error: { request_id: 9, code: 3003, message: 'not a topic' } },
  close: { close: { code: 2000, reason: 'busy', retryable: true, retry_after_ms: 1500, endpoint: 'b.example:9000' } },
};

/** Outcomes: `fault`, a whole frame whose payload is undecodable; the others as the stream's decoder names them. */
const ping = encode({ ping: { nonce: '1' } });
const flipped = (at) => ping.map((byte, index) => (index === at ? byte ^ 1 : byte));
const BAD = [
  ['wrong CRC', 'CORRUPT', flipped(ping.length - 1)],
  ['damaged payload', 'CORRUPT', flipped(5)],
  ['length 0', 'PROTOCOL_ERROR', Buffer.alloc(8)],
  ['length 0x80000000', 'FRAME_TOO_LARGE', Buffer.from('80000000', 'hex')],
  ['length 0xFFFFFFFF', 'FRAME_TOO_LARGE', Buffer.from('ffffffff', 'hex')],
  ['no protobuf', 'fault', payloadOf(0xff, 0xff, 0xff)],
  ['no frame inside', 'fault', payloadOf(0xa0, 0x06, 0x01)],
  ['an unknown frame', 'fault', payloadOf(0x8a, 0x01, 0x00)],
  ['two frames inside', 'fault', payloadOf(0x1a, 0x00, 0x22, 0x00)],
  ['field number 0', 'fault', payloadOf(0x1a, 0x02, 0x00, 0x00)],
  ['a group', 'fault', payloadOf(0x1a, 0x02, 0x2b, 0x2c)],
  ['a field that is cut off', 'fault', payloadOf(0x0a, 0x03, 0x12, 0x05, 0x61)],
  ['a varint of eleven bytes', 'fault', payloadOf(0x1a, 0x0c, 0x08, ...new Array(10).fill(0xff), 0x01)],
  ['a topic that is not UTF-8', 'fault', payloadOf(0x3a, 0x04, 0x12, 0x02, 0xc3, 0x28)],
  ['an offset of 2^53', 'fault', encode({ ack: { base_offset: '9007199254740992' } })],
  ['a negative timestamp', 'fault', encode({ messages: { timestamp_us: '-1' } })],
  ['an unknown start', 'fault', encode({ subscribe: { start: 5 } })],
  ['a gap without a reason', 'fault', encode({ gap: { topic: 'a' } })],
  ['an unknown gap reason', 'fault', encode({ gap: { reason: 6 } })],
  ['an id of 65 bytes', 'fault', encode({ publish: { records: [{ id: base64('x'.repeat(65)) }] } })],
];

/** The file, whatever it was before. */
export const vectorsFile = () => {
  const vectors = {
    about: 'made by scripts/docs/vectors.mjs from proto/push.proto',
    good: Object.entries(GOOD).map(([name, frame]) => ({ name, frame, hex: encode(frame).toString('hex') })),
    bad: BAD.map(([name, outcome, bytes]) => ({ name, outcome, hex: Buffer.from(bytes).toString('hex') })),
  };
  return `${JSON.stringify(vectors, null, 2)}\n`;
};
