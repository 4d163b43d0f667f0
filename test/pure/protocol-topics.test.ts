/** Sections 6 to 12 of docs/PROTOCOL.md, rule by rule: what the server does when a client does what the rule says. */
import t from 'tap';
import { GapReason, OnLag, Start } from '../../src/wire/index.js';
import type { ProtocolClient } from '../support/protocol-client.js';
import { OPTIONS, World } from '../support/world.js';

const KIB = 1024;
const QUIET = { heartbeat: 600_000, writeTimeoutMs: 600_000 };

/** A server with a publisher, which is not listened to. */
const withWriter = (options: ConstructorParameters<typeof World>[0] = {}) => {
  const world = new World({ ...QUIET, ...options });
  return { world, writer: world.client() };
};

const epochOf = (client: ProtocolClient): string => client.of('subscribed').at(-1)?.epoch ?? '';
const keepOnly = (world: World, records: number) =>
  world.server.configure({ ...OPTIONS, ...QUIET, retention: { ...OPTIONS.retention, records } });

t.test('TOP-1 TOP-2 names, and patterns for SUBSCRIBE alone', async (t) => {
  const { writer, world } = withWriter();
  for (const name of ['', 'a..b', '.a', 'a.', 'a b', 'a\u0007', 'x'.repeat(256), 'é'.repeat(128), 'a*', '>.a']) {
    t.same(world.client().subscribe(name).errors, ['BAD_TOPIC'], name);
  }
  t.same(world.client().subscribe('x'.repeat(255)).errors, []);
  t.same(
    world
      .client()
      .subscribe(`${'a.'.repeat(31)}>`)
      .subscribe('*.*.*.>').errors,
    [],
  );
  t.same(
    world
      .client()
      .subscribe(`${'a.'.repeat(32)}>`)
      .subscribe('*.*.*.*').errors,
    ['BAD_TOPIC', 'BAD_TOPIC'],
  );
  t.same(writer.publish('a.*', 'x').fetch('a.>').errors, ['BAD_TOPIC', 'BAD_TOPIC']);
  writer.heard();
  writer.publish('a.b.c', '1').publish('a.b', '2').publish('a', '3');
  const covered = (pattern: string) =>
    world
      .client()
      .subscribe(pattern)
      .of('subscribed')
      .slice(1)
      .map(({ topic }) => topic);
  t.same(covered('a.*.c'), ['a.b.c']);
  t.same(covered('a.>'), ['a.b.c', 'a.b']);
  t.equal(covered('>').includes('a'), true);
});

t.test('TOP-3 the daemon’s own topics', async (t) => {
  const { writer, world } = withWriter();
  t.same(writer.publish('$x', '1').errors, ['BAD_TOPIC']);
  world.client().subscribe('$x.y');
  t.same(
    world
      .client()
      .subscribe('>')
      .subscribe('*.y')
      .of('subscribed')
      .map(({ topic }) => topic),
    ['>', '*.y'],
  );
});

t.test(
  'TOP-4 TOP-5 TOP-6 a topic is there when it is named; offsets rise from 1; forgotten, its epoch changes',
  async (t) => {
    const { writer, world } = withWriter();
    const reader = world.client().subscribe('a');
    writer.publish('a', '1', '2').publish('a', '3');
    t.same(reader.offsets('a'), [1, 2, 3]);
    writer.publish('none').fetch('none');
    t.same(writer.names().slice(-2), ['ack', 'fetched']);
    t.equal(world.stats.topics, 1);
    const idle = world.client().subscribe('b');
    t.same(
      world
        .client()
        .subscribe('*')
        .of('subscribed')
        .map(({ topic }) => topic),
      ['*', 'a'],
      'without a record no pattern covers it',
    );
    const before = epochOf(idle);
    idle.unsubscribe('b').subscribe('b');
    t.not(epochOf(idle), before);
  },
);

t.test('SUB-1 nothing before SUBSCRIBED, and nothing after UNSUBSCRIBED', async (t) => {
  const { writer, world } = withWriter();
  const reader = world.client().subscribe('a');
  writer.publish('a', '1');
  reader.unsubscribe('a');
  writer.publish('a', '2');
  t.same(reader.names(), ['subscribed', 'messages', 'unsubscribed']);
});

t.test('SUB-2 SUB-3 where a subscription begins, and what SUBSCRIBED says of it', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1').publish('a', '2', '3');
  world.advance(1_000);
  const sinceUs = world.time.wallUs();
  writer.publish('a', '4');
  const begin = (more: object) => {
    const [subscribed] = world.client().subscribe('a', more).of('subscribed');
    return [subscribed?.nextOffset, subscribed?.headOffset];
  };
  t.same(begin({ start: Start.LATEST }), [5, 4]);
  t.same(begin({ start: Start.EARLIEST }), [1, 4]);
  t.same(begin({ start: Start.POSITION, offset: 3 }), [3, 4]);
  t.same(begin({ start: Start.POSITION }), [1, 4]);
  t.same(begin({ start: Start.LAST_N, lastN: 2 }), [3, 4]);
  t.same(begin({ start: Start.LAST_N, lastN: 99 }), [1, 4]);
  t.same(begin({ start: Start.SINCE, sinceUs }), [4, 4]);
  t.same(begin({ start: Start.SINCE, sinceUs: sinceUs + 3_600_000_000 }), [5, 4]);
});

t.test('SUB-4 SUB-6 one place per topic, whatever subscriptions cover it', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a.b', '1');
  const reader = world.client().subscribe('a.*').subscribe('a.b', { start: Start.EARLIEST });
  t.equal(reader.of('subscribed').at(-1)?.nextOffset, 2, 'its start has no effect');
  writer.publish('a.b', '2');
  reader.unsubscribe('a.*');
  writer.publish('a.b', '3');
  t.same(reader.texts('a.b'), ['2', '3']);
  t.same(reader.unsubscribe('a.*').errors, ['UNKNOWN_SUBSCRIPTION']);
});

t.test('SUB-5 the same twice, and too many', async (t) => {
  const world = new World({ maxSubscriptions: 2, maxTopics: 2 });
  const client = world.client().subscribe('a').subscribe('a').subscribe('b').subscribe('c');
  t.same(client.errors, ['ALREADY_SUBSCRIBED', 'TOO_MANY_SUBSCRIPTIONS']);
  t.same(world.client().subscribe('c').errors, ['TOO_MANY_SUBSCRIPTIONS']);
  t.same(world.client().publish('c', 'x').errors, ['TOO_MANY_SUBSCRIPTIONS']);
});

t.test('SUB-7 changes have a rate, and those of a pattern cost by what it covers', async (t) => {
  const { writer, world } = withWriter({ maxSubscriptions: 10 });
  const flood = (client: ProtocolClient, name: string, times: number) => {
    for (let i = 0; i < times; i++) client.subscribe(name).unsubscribe(name);
    return client.errors.filter((error) => error === 'RATE_LIMITED').length;
  };
  t.equal(flood(world.client(), 'a', 505), 0);
  t.ok(flood(world.client(), 'a', 600) > 0);
  for (let i = 0; i < 2_500; i++) writer.publish(`t${i}.x`, 'x');
  const dear = world.client();
  t.ok(flood(dear, '*.y', 100) > 0, 'each of them is as twelve');
  world.advance(2_000);
  dear.heard();
  t.same(dear.subscribe('a').errors, []);
});

t.test('PAT-1 PAT-2 SUBSCRIBED for the pattern, for each topic, and for those that come up later', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('m.a', 'old');
  const reader = world.client().subscribe('m.*');
  writer.publish('m.b', 'first', 'second');
  t.match(reader.of('subscribed'), [
    { requestId: 1, topic: 'm.*', epoch: '', nextOffset: 0, headOffset: 0 },
    { requestId: 1, topic: 'm.a', nextOffset: 2, headOffset: 1 },
    { requestId: 1, topic: 'm.b', nextOffset: 1 },
  ]);
  t.same(reader.texts('m.b'), ['first', 'second']);
  t.same(reader.texts('m.a'), []);
});

t.test('PAT-3 PAT-4 positions resume a pattern; one beyond the head is told of, and goes on as LATEST', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('m.a', '1', '2').publish('m.b', '1', '2').publish('m.c', '1');
  const positions = [
    { topic: 'm.a', epoch: '', offset: 3 },
    { topic: 'm.b', epoch: '', offset: 99 },
  ];
  const reader = world.client().subscribe('m.*', { start: Start.EARLIEST, positions });
  t.match(reader.of('error'), [{ requestId: 1, code: 3006 }]);
  t.match(reader.of('subscribed').slice(1), [
    { topic: 'm.a', nextOffset: 3 },
    { topic: 'm.b', nextOffset: 3 },
    { topic: 'm.c', nextOffset: 1 },
  ]);
  t.same(
    ['m.a', 'm.b', 'm.c'].map((topic) => reader.texts(topic)),
    [[], [], ['1']],
  );
});

t.test('PAT-5 a topic that was forgotten comes up again with another epoch', async (t) => {
  const { writer, world } = withWriter({ retention: { ...OPTIONS.retention, ageMs: 1_000 } });
  const reader = world.client().subscribe('m.*');
  writer.publish('m.a', '1');
  const before = epochOf(reader);
  world.advance(5_000);
  writer.publish('m.a', 'again');
  t.not(epochOf(reader), before);
  t.same(reader.offsets('m.a'), [1, 1]);
});

t.test('MSG-1 MSG-2 MSG-5 a batch is what one PUBLISH held, sent whole, as it was published', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1').publish('a', { data: '2', key: 'k', id: 'i' }, '3');
  const reader = world.client().subscribe('a', { start: Start.POSITION, offset: 3 });
  const [batch] = reader.of('messages');
  t.match(batch, { baseOffset: 2, prevOffset: 1 });
  t.match(batch?.records[0], { key: 'k', id: Buffer.from('i'), data: Buffer.from('2') });
  t.equal(batch?.records.length, 2);
});

t.test('GAP-1 GAP-3 RES-3 what is no longer retained is named, right behind SUBSCRIBED', async (t) => {
  const { writer, world } = withWriter();
  keepOnly(world, 1);
  for (let i = 1; i <= 5; i++) writer.publish('a', `${i}`);
  const reader = world.client().subscribe('a', { start: Start.POSITION, offset: 2 });
  t.same(reader.names(), ['subscribed', 'gap', 'messages']);
  t.match(reader.gaps('a'), [{ fromOffset: 2, toOffset: 4, reason: GapReason.EVICTED }]);
  t.match(reader.of('subscribed'), [{ nextOffset: 5 }]);
});

/** A reader that is 200 KiB behind and then reads on. */
const behind = (onLag: OnLag, options: object = {}) => {
  const { writer, world } = withWriter({ lagLimit: 50 * KIB, ...options });
  const reader = world.client().subscribe('a', { onLag });
  reader.link.allow(0);
  for (let i = 0; i < 200; i++) writer.publish('a', { data: 'x'.repeat(KIB), key: `k${i % 3}` });
  reader.link.allow(Infinity);
  world.time.run();
  return { reader, reasons: new Set(reader.gaps('a').map(({ reason }) => reason)) };
};

t.test('LAG-1 LAG-2 LAG-3 WAIT, SKIP and LATEST_PER_KEY', async (t) => {
  const patient = behind(OnLag.WAIT);
  t.same([patient.reader.offsets('a').length, patient.reasons], [200, new Set()]);
  t.same(behind(OnLag.WAIT, { retention: { ...OPTIONS.retention, records: 5 } }).reasons, new Set([GapReason.EVICTED]));
  const skipping = behind(OnLag.SKIP);
  t.equal(skipping.reader.gaps('a').at(-1)?.toOffset, 200);
  t.same(skipping.reasons, new Set([GapReason.SKIPPED]));
  const conflated = behind(OnLag.LATEST_PER_KEY);
  t.same(conflated.reader.offsets('a').slice(-3), [198, 199, 200]);
  t.same(conflated.reasons, new Set([GapReason.CONFLATED]));
});

t.test('LAG-4 CLS-1 DISCONNECT: CLOSE behind what was sent before, no GAP, and nothing behind it', async (t) => {
  const { reader } = behind(OnLag.DISCONNECT);
  t.equal(reader.cause, 'SLOW_CONSUMER');
  t.same(reader.gaps('a'), []);

  const { writer, world } = withWriter({ retention: { ...OPTIONS.retention, ageMs: 2_000 } });
  const both = world.client();
  both.link.allow(0);
  both.subscribe('a', { start: Start.EARLIEST }).subscribe('b', { start: Start.EARLIEST, onLag: OnLag.DISCONNECT });
  writer.publish('b', 'too old when it is read');
  world.advance(1_500);
  writer.publish('a', 'fresh');
  world.advance(1_900);
  both.link.allow(Infinity);
  world.time.run();
  t.same(both.names(), ['subscribed', 'subscribed', 'messages', 'close']);
});

t.test('LAG-5 history that was asked for is no lag', async (t) => {
  const { writer, world } = withWriter({ lagLimit: 10 * KIB });
  for (let i = 0; i < 100; i++) writer.publish('a', 'x'.repeat(KIB));
  for (const more of [
    { start: Start.EARLIEST },
    { start: Start.LAST_N, lastN: 100 },
    { start: Start.SINCE },
    { start: Start.POSITION, offset: 1 },
  ]) {
    const reader = world.client().subscribe('a', { ...more, onLag: OnLag.DISCONNECT });
    t.equal(reader.offsets('a').length, 100);
  }
});

t.test('LAG-6 a write must make progress', async (t) => {
  const { writer, world } = withWriter({ writeTimeoutMs: 30_000 });
  const reader = world.client().subscribe('a');
  reader.link.allow(0);
  writer.publish('a', 'x'.repeat(100 * KIB));
  for (let s = 0; s < 40; s++) {
    reader.link.take(10);
    world.advance(1_000);
  }
  t.same(world.counts.under('closed'), { slow_consumer: 1 });
});

t.test('RES-1 RES-2 RES-5 a position of this epoch: exactly there, or beyond the head', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1').publish('a', '2');
  const epoch = epochOf(world.client().subscribe('a'));
  const at = (offset: number) => world.client().subscribe('a', { start: Start.POSITION, epoch, offset });
  t.same(at(2).texts('a'), ['2']);
  t.same(at(3).names(), ['subscribed']);
  const beyond = at(4);
  t.same(beyond.errors, ['OFFSET_IN_FUTURE']);
  writer.publish('a', '3');
  t.same(beyond.texts('a'), [], 'there is no subscription');
});

t.test('RES-4 a position of another epoch', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1').publish('a', '2');
  const at = { start: Start.POSITION, epoch: 'another', offset: 9 };
  const whole = world.client().subscribe('a', at);
  t.match(whole.gaps('a'), [{ fromOffset: 1, toOffset: 0, reason: GapReason.EPOCH_CHANGED }]);
  t.same(whole.texts('a'), ['1', '2']);
  keepOnly(world, 1);
  writer.publish('a', '3');
  t.match(world.client().subscribe('a', at).gaps('a'), [{ fromOffset: 1, toOffset: 2 }]);
});

t.test('PUB-1 PUB-2 PUB-3 PUB-4 PUB-7 a batch, and its ACK', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1', '2').publish('a', '3').publish('a');
  t.match(writer.of('ack'), [
    { requestId: 1, baseOffset: 1, results: [] },
    { requestId: 2, baseOffset: 3, results: [] },
    { requestId: 3, baseOffset: 0 },
  ]);
  t.same(world.client().subscribe('a', { start: Start.EARLIEST }).texts('a'), ['1', '2', '3']);
  writer.heard();
  const record = { data: new Uint8Array(1), id: new Uint8Array(0), key: '', headers: new Map() };
  writer.send({ type: 'publish', requestId: 0, topic: 'a', records: [record] });
  t.same(writer.names(), []);
  writer.send({ type: 'publish', requestId: 0, topic: 'a..b', records: [record] });
  t.match(writer.heard(), [{ type: 'error', requestId: 0, code: 3003 }]);
});

t.test('PUB-5 PUB-6 an id is appended once, from whatever client', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', { data: '1', id: 'x' }, { data: '2', id: 'y' }, { data: '3', id: 'x' });
  t.match(writer.lastAck, {
    baseOffset: 1,
    results: [{ offset: 1 }, { offset: 2, duplicate: false }, { offset: 1, duplicate: true }],
  });
  const other = world.client().publish('a', { data: '2', id: 'y' }, { data: '4', id: 'z' });
  t.match(other.lastAck, { baseOffset: 2, results: [{ offset: 2, duplicate: true }, { offset: 3 }] });
  t.same(world.client().subscribe('a', { start: Start.EARLIEST }).texts('a'), ['1', '2', '4']);
});

t.test('PUB-6 TOP-6 the ids of a topic outlive its records by ten minutes', async (t) => {
  const { writer, world } = withWriter({ retention: { ...OPTIONS.retention, ageMs: 1_000 } });
  const publish = () => writer.publish('a', { data: '1', id: 'x' }).lastAck;
  const first = publish();
  world.advance(598_000);
  t.match(publish(), { epoch: first?.epoch, results: [{ offset: 1, duplicate: true }] });
  world.advance(10_000);
  t.match(publish(), { baseOffset: 1, results: [] });
  t.not(writer.lastAck?.epoch, first?.epoch);
});

t.test('FET-1 FET-2 what there is, and FETCHED behind it', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a', '1').publish('a', '2', '3').publish('a', '4');
  const answer = (more: object) => {
    const reader = world.client().fetch('a', more);
    return [reader.texts('a').join(''), reader.of('fetched')[0]?.nextOffset, reader.of('fetched')[0]?.more];
  };
  t.same(answer({}), ['1234', 5, false]);
  t.same(answer({ start: Start.POSITION, offset: 3 }), ['234', 5, false]);
  t.same(answer({ start: Start.LAST_N, maxRecords: 2 }), ['234', 5, false]);
  t.same(answer({ start: Start.LAST_N }), ['', 5, false]);
  t.same(answer({ start: Start.SINCE }), ['1234', 5, false]);
  t.same(answer({ start: Start.LATEST }), ['', 5, false]);
  t.match(world.client().fetch('a', { start: Start.POSITION, epoch: 'old', offset: 2 }).names(), ['gap', 'messages']);
  t.same(world.client().fetch('a', { start: Start.POSITION, offset: 9 }).errors, ['OFFSET_IN_FUTURE']);
});

t.test('FET-3 the bounds of an answer, in whole batches', async (t) => {
  const { writer, world } = withWriter();
  for (let i = 0; i < 10; i++) writer.publish('a', 'x'.repeat(10 * KIB), 'y');
  const count = (more: object) => world.client().fetch('a', more).offsets('a').length;
  t.equal(count({ maxRecords: 3 }), 4, 'the last batch whole');
  t.equal(count({ maxBytes: 1 }), 2, 'a first batch, whatever its size');
  t.equal(count({ maxBytes: 35 * KIB }), 6, 'and then none that does not fit');
  for (let i = 0; i < 5_000; i++) writer.publish('b', 'x');
  t.equal(world.client().fetch('b').offsets('b').length, 4_096);
});

t.test('FET-4 a long poll: the next record, or a GAP, or nothing in the end', async (t) => {
  const { writer, world } = withWriter();
  const reader = world.client().fetch('a', { waitMs: 5_000 });
  t.same(reader.names(), []);
  writer.publish('a', '1');
  t.same(reader.names(), ['messages', 'fetched']);
  const late = world.client().fetch('a', { start: Start.LATEST, waitMs: 4_000_000 });
  world.advance(60_100);
  t.same(late.names(), ['fetched']);
  const old = world.client().fetch('b', { start: Start.POSITION, epoch: 'old', offset: 1, waitMs: 5_000 });
  t.same(old.names(), ['gap', 'fetched']);
});

t.test('FET-5 FET-6 a fetch beside a subscription or another fetch of the same topic', async (t) => {
  const { writer, world } = withWriter();
  writer.publish('a.b', '1');
  t.same(world.client().subscribe('a.b').fetch('a.b').errors, ['ALREADY_SUBSCRIBED']);
  t.same(world.client().subscribe('a.*').fetch('a.b').errors, ['ALREADY_SUBSCRIBED']);
  const reader = world.client().fetch('x', { waitMs: 9_000 }).fetch('x');
  t.same(reader.errors, ['ALREADY_SUBSCRIBED']);
  reader.heard();
  reader.subscribe('x');
  t.same(reader.names(), ['fetched', 'subscribed']);
  writer.publish('x', 'live');
  t.same(reader.texts('x'), ['live']);
  const busy = world.client();
  for (let i = 0; i < 65; i++) busy.fetch(`t${i}`, { waitMs: 9_000 });
  t.same(busy.errors, ['RATE_LIMITED']);
  const hasty = world.client();
  for (let i = 0; i < 2_001; i++) hasty.fetch('a.b');
  t.same(hasty.errors, ['RATE_LIMITED']);
});

t.test('HSK-10 FET-6 what tells of a topic keeps its order, and FETCHED is ahead of SUBSCRIBED', async (t) => {
  const { writer, world } = withWriter();
  keepOnly(world, 5);
  for (let i = 1; i <= 20; i++) writer.publish('a', `${i}`);
  const reader = world.client();
  reader.link.allow(0);
  // Something that the link does not take, so that all that follows waits.
  reader.send({ type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 0 });
  reader.fetch('a', { start: Start.POSITION, offset: 1 }).subscribe('a', { start: Start.POSITION, offset: 3 });
  reader.unsubscribe('a').fetch('a', { start: Start.POSITION, offset: 7 });
  reader.link.allow(Infinity);
  world.time.run();
  t.match(reader.heard(), [
    { type: 'pong' },
    { type: 'gap', fromOffset: 1, toOffset: 15 },
    { type: 'fetched', nextOffset: 16, more: true },
    { type: 'subscribed', nextOffset: 16 },
    { type: 'gap', fromOffset: 3, toOffset: 15 },
    { type: 'unsubscribed' },
    { type: 'gap', fromOffset: 7, toOffset: 15 },
    ...[16, 17, 18, 19, 20].map((baseOffset) => ({ type: 'messages', baseOffset })),
    { type: 'fetched', nextOffset: 21, more: false },
  ]);
});

t.test('ERR-1 ERR-2 a request that fails, fails alone', async (t) => {
  const { writer } = withWriter();
  writer.subscribe('a..b').subscribe('a');
  t.match(writer.heard(), [
    { type: 'error', requestId: 1, code: 3003, message: /empty token/ },
    { type: 'subscribed', requestId: 2 },
  ]);
});
