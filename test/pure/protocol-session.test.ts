/** Sections 1 to 5 of docs/PROTOCOL.md, rule by rule: what the server does when a client does what the rule says. */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { encodeFrame, type Frame, Start, WIRE_VERSION } from '../../src/wire/index.js';
import { HELLO, publishFrame, subscribeFrame } from '../support/protocol-client.js';
import { World } from '../support/world.js';

const KIB = 1024;
const QUIET = { heartbeat: 600_000 };

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
/** A whole frame around these bytes. */
const sealed = (payload: Uint8Array): Buffer =>
  Buffer.concat([uint32(payload.length), payload, uint32(crc32(payload))]);
const ping = (nonce: number, rttUs = 0): Frame => ({ type: 'ping', nonce: BigInt(nonce), sentUs: 5n, rttUs });
/** A frame with its last bit flipped, which is one of the CRC. */
const damaged = (frame: Frame): Buffer => {
  const bytes = Buffer.from(encodeFrame(frame));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return bytes;
};

t.test('FRM-4 the length is judged from the header alone', async (t) => {
  const world = new World({ maxPayload: 128 * KIB });
  t.equal(world.dial().sendBytes(uint32(64 * KIB)).cause, 'none');
  t.equal(world.dial().sendBytes(uint32(64 * KIB + 1)).cause, 'FRAME_TOO_LARGE');
  const client = world.client();
  t.equal(client.sendBytes(uint32(128 * KIB)).cause, 'none');
  t.equal(world.client().sendBytes(uint32(0)).cause, 'PROTOCOL_ERROR');
});

t.test('FRM-6 a frame that has begun must be whole in time', async (t) => {
  const world = new World(QUIET);
  const client = world.client();
  const frame = encodeFrame(ping(1));
  client.sendBytes(frame.subarray(0, 5));
  world.advance(29_000);
  client.sendBytes(Buffer.concat([frame.subarray(5), frame.subarray(0, 5)]));
  world.advance(29_000);
  t.equal(client.cause, 'none', 'the one that was completed has started the time anew');
  world.advance(1_100);
  t.equal(client.cause, 'HEARTBEAT_TIMEOUT');
});

t.test('PAY-1 PAY-6 PAY-7 an undecodable payload with the right CRC ends the connection', async (t) => {
  const { bad } = JSON.parse(readFileSync('test/vectors/vectors.json', 'utf8')) as {
    bad: { name: string; outcome: string; hex: string }[];
  };
  const faults = bad.filter(({ outcome }) => outcome === 'fault');
  t.ok(faults.length > 10);
  for (const { name, hex } of faults) {
    const client = new World().client();
    t.equal(client.sendBytes(Buffer.from(hex, 'hex')).cause, 'PROTOCOL_ERROR', name);
  }
});

t.test('PAY-5 missing fields are zero, the last of two counts, and unknown ones are skipped', async (t) => {
  const client = new World().client();
  // ping { nonce: 1, nonce: 2, an unknown field 9: 7 }, and an empty ping.
  client.sendBytes(sealed(Buffer.from('1a06080108024807', 'hex'))).sendBytes(sealed(Buffer.from('1a00', 'hex')));
  t.match(client.of('pong'), [
    { nonce: 2n, sentUs: 0n },
    { nonce: 0n, sentUs: 0n },
  ]);
});

t.test('COR-1 COR-2 a frame with a wrong CRC is discarded whole, and what follows must be a frame', async (t) => {
  const world = new World();
  const inside = encodeFrame(subscribeFrame(9, 'inside')).toString();
  const client = world.client().sendBytes(damaged(publishFrame(1, 'a', 'x', inside)));
  client.send(ping(1));
  t.same(client.names(), ['pong']);
  t.equal(world.stats.topics, 0);
  t.equal(client.sendBytes(damaged(ping(2))).sendBytes(Buffer.alloc(64, 'garbage')).cause, 'CORRUPT');
});

t.test('COR-3 a frame over the limit is discarded by its length, up to 16 times the limit', async (t) => {
  const world = new World({ maxPayload: 64 * KIB });
  const client = world.client();
  client.sendBytes(Buffer.concat([uint32(64 * KIB * 16), Buffer.alloc(64 * KIB * 16 + 4)])).send(ping(1));
  t.match(client.heard(), [{ type: 'error', requestId: 0, code: 3001 }, { type: 'pong' }]);
  t.equal(client.sendBytes(uint32(64 * KIB * 16 + 1)).cause, 'FRAME_TOO_LARGE');
  const strict = new World({ onCorrupt: 'close' }).client();
  t.equal(strict.sendBytes(uint32(1024 * KIB + 1)).cause, 'FRAME_TOO_LARGE');
});

t.test('COR-4 sixteen corrupt frames are survived', async (t) => {
  const client = new World().client();
  for (let i = 0; i < 16; i++) client.sendBytes(damaged(ping(i)));
  t.equal(client.cause, 'none');
  t.equal(client.sendBytes(damaged(ping(16))).cause, 'CORRUPT');
  t.equal(new World({ onCorrupt: 'close' }).client().sendBytes(damaged(ping(1))).cause, 'CORRUPT');
});

t.test('COR-5 with scan the next frame is looked for', async (t) => {
  const client = new World({ onCorrupt: 'scan' }).client();
  client.sendBytes(Buffer.concat([Buffer.alloc(100, 0xee), encodeFrame(ping(1))]));
  t.same(client.names(), ['pong']);
});

t.test('HSK-1 one who is turned away is told so before it has said anything', async (t) => {
  const world = new World({ maxConns: 1 });
  world.client();
  const late = world.dial();
  t.match(late.heard(), [{ type: 'close', code: 2000, retryable: true }]);
  t.equal(late.end, 'ended');
  t.notOk(late.link.gone);
  world.advance(1_100);
  t.ok(late.link.gone, 'and is not waited for');
});

t.test('HSK-2 HSK-7 HELLO comes first, once, and in time', async (t) => {
  const world = new World(QUIET);
  const silent = world.dial();
  world.advance(5_100);
  t.equal(silent.cause, 'HANDSHAKE_TIMEOUT');
  t.equal(world.dial().send(ping(1)).cause, 'PROTOCOL_ERROR');
  t.equal(world.dial().bye().cause, 'none', 'a CLOSE may come at any time');
  t.equal(world.client().hello().cause, 'PROTOCOL_ERROR');
  t.equal(world.client().send({ type: 'unsubscribed', requestId: 1, topic: 'a' }).cause, 'PROTOCOL_ERROR');
});

t.test('HSK-3 the version, and slots that are kept for those who resume', async (t) => {
  const world = new World({ maxConns: 2, reserveResume: 1 });
  t.equal(world.dial().hello({ version: WIRE_VERSION + 1 }).cause, 'UNSUPPORTED_VERSION');
  world.advance(2_100);
  world.client();
  t.equal(world.dial().hello().cause, 'BUSY');
  world.advance(2_100);
  t.equal(world.dial().hello({ resuming: true }).cause, 'none');
});

t.test('HSK-4 HSK-5 WELCOME, and then what was sent on behind HELLO, in order', async (t) => {
  const client = new World().dial().send(HELLO, ping(1), subscribeFrame(1, 'a'), subscribeFrame(2, 'b'));
  t.same(client.names(), ['welcome', 'pong', 'subscribed', 'subscribed']);
  t.match(client.of('subscribed'), [{ requestId: 1 }, { requestId: 2 }]);
  t.match(client.of('welcome'), [{ version: 1, heartbeatMs: 5_000, maxPayload: 1024 * KIB, principal: '' }]);
  t.not(client.of('welcome')[0]?.connectionId, '');
});

t.test('HSK-6 HBT-1 HBT-8 a long round trip, also one that C has measured, lengthens the interval', async (t) => {
  const world = new World({ heartbeat: 'auto' });
  const client = world.client();
  client.send(ping(1, 1_500_000));
  const [welcome] = client.of('welcome');
  t.ok(welcome !== undefined && welcome.heartbeatMs > 5_000 && welcome.heartbeatMs <= 15_000);
  client.heard();
  client.send(ping(2, 61_000_000));
  t.same(client.names(), ['pong'], 'one of more than a minute is not believed');
});

t.test('HSK-8 request_id comes back', async (t) => {
  const client = new World().client();
  client.send(subscribeFrame(7, 'a'), subscribeFrame(7, 'a'), { type: 'unsubscribe', requestId: 8, topic: 'a' });
  t.match(client.heard(), [
    { type: 'error', requestId: 7 },
    { type: 'subscribed', requestId: 7 },
    { type: 'unsubscribed', requestId: 8 },
  ]);
});

t.test('HSK-9 no requests are read while answers wait, and nobody is judged meanwhile', async (t) => {
  const world = new World({ writeTimeoutMs: 3_600_000 });
  const client = world.client();
  client.link.allow(0);
  for (let i = 0; i < 5_000; i++) client.fetch('a..b');
  t.ok(client.link.paused);
  world.advance(60_000);
  t.equal(client.end, 'none');
  client.link.allow(Infinity);
  world.time.run();
  t.equal(client.errors.length, 5_000);
  const subscribing = world.client();
  subscribing.link.allow(0);
  for (let i = 0; i < 900; i++) subscribing.subscribe(`${i}`.padEnd(200, 'x'));
  t.ok(subscribing.link.paused, 'SUBSCRIBED counts too');
  subscribing.link.allow(Infinity);
  world.time.run();
  t.equal(subscribing.of('subscribed').length, 900);
});

t.test('HSK-10 control frames overtake data', async (t) => {
  const world = new World();
  const writer = world.client();
  for (let i = 0; i < 20; i++) writer.publish('a', 'x'.repeat(64 * KIB));
  const client = world.client();
  client.link.allow(100 * KIB);
  client.subscribe('a', { start: Start.EARLIEST });
  client.send(ping(1)).fetch('a..b');
  client.link.allow(Infinity);
  world.time.run();
  const names = client.names();
  t.ok(names.indexOf('pong') < names.lastIndexOf('messages'));
  t.ok(names.indexOf('pong') < names.indexOf('error'));
  t.same(
    client.offsets('a'),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

t.test('CLS-1 CLS-2 nothing follows a CLOSE, none is answered, and who does not let go is cut off', async (t) => {
  const world = new World();
  const client = world
    .client()
    .send(publishFrame(1, 'a', 'x'))
    .sendBytes(uint32(0))
    .send(ping(1));
  t.same(client.names(), ['ack', 'close']);
  t.notOk(client.link.gone);
  world.advance(2_100);
  t.ok(client.link.gone);
  const polite = world.client().bye();
  t.same(polite.names(), []);
  t.equal(polite.end, 'ended');
});

t.test('CLS-3 what came whole before the end of the stream is acted on, and nothing else', async (t) => {
  const world = new World();
  const frame = encodeFrame(publishFrame(1, 'a', 'x'));
  world
    .client()
    .sendBytes(Buffer.concat([frame, frame.subarray(0, -1)]))
    .fin();
  t.equal(world.counts.get('published'), 1);
  t.same(world.counts.under('closed'), { peer_gone: 1 });
});

t.test('CLS-8 a drain sends everybody away, each with a time of its own', async (t) => {
  const world = new World();
  const clients = Array.from({ length: 20 }, () => world.client());
  void world.server.drain(10_000);
  world.time.run();
  t.ok(clients.every(({ cause, close }) => cause === 'DRAINING' && close?.retryable === true));
  t.ok(new Set(clients.map(({ close }) => close?.retryAfterMs)).size > 5);
  t.equal(world.dial().cause, 'DRAINING');
});

t.test('HBT-2 HBT-3 PING at 1 and 2 intervals of silence, the end over 3', async (t) => {
  const world = new World({ heartbeat: 5_000 });
  const client = world.client();
  world.advance(4_900);
  t.same(client.names(), []);
  world.advance(200);
  t.same(client.names(), ['ping']);
  world.advance(5_000);
  t.same(client.names(), ['ping', 'ping']);
  client.sendBytes(encodeFrame(ping(1)).subarray(0, 1));
  world.advance(14_900);
  t.equal(client.cause, 'none', 'any byte is a sign of life');
  world.advance(300);
  t.equal(client.cause, 'HEARTBEAT_TIMEOUT');
});

t.test('HBT-4 a PING is answered with what it said; a PONG that answers none is no breach', async (t) => {
  const client = new World().client().send(ping(77), { type: 'pong', nonce: 99n, sentUs: 1n });
  t.match(client.heard(), [{ type: 'pong', nonce: 77n, sentUs: 5n }]);
});

t.test('HBT-5 the interval wished for, within bounds, unless it is fixed', async (t) => {
  const granted = (heartbeat: 'auto' | number, wish: number) =>
    new World({ heartbeat }).dial().hello({ heartbeatMs: wish }).of('welcome')[0]?.heartbeatMs;
  t.same(
    [0, 1, 9_000, 99_000].map((wish) => granted('auto', wish)),
    [5_000, 5_000, 9_000, 15_000],
  );
  t.equal(granted(7_000, 9_000), 7_000);
});

t.test('HBT-9 PINGs have a budget', async (t) => {
  const world = new World();
  const client = world.client();
  for (let i = 0; i < 100; i++) client.send(ping(i));
  world.advance(1_000);
  for (let i = 0; i < 10; i++) client.send(ping(i));
  t.equal(client.cause, 'none');
  t.equal(client.send(ping(0)).cause, 'RATE_LIMITED');
});
