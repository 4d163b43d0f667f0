import t from 'tap';
import { encodeFrame, FRAME_OVERHEAD, GapReason, POSITIONS_MAX, Start, sealFrame } from '../../src/wire/index.js';
import { type ProtocolClient, publishFrame, subscribeFrame } from '../support/protocol-client.js';
import { World } from '../support/world.js';

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A world with somebody who publishes into it. */
const withWriter = (options: ConstructorParameters<typeof World>[0] = {}) => {
  const world = new World(options);
  const writer = world.client();
  const publish = (topic: string, count: number, data = 'x') => {
    for (let i = 0; i < count; i++) writer.publish(topic, `${data}`);
  };
  return { world, writer, publish };
};

const epochOf = (client: ProtocolClient, topic: string): string =>
  client.of('subscribed').find((frame) => frame.topic === topic)?.epoch ?? '';

t.test('S4 nothing before SUBSCRIBED, nothing after UNSUBSCRIBED, and offsets rise by one', async (t) => {
  const { world, writer } = withWriter();
  writer.publish('a', '1', '2').publish('a', '3');
  const reader = world.client().subscribe('a', { start: Start.EARLIEST });
  t.same(reader.names(), ['subscribed', 'messages', 'messages']);
  t.match(reader.of('subscribed'), [{ requestId: 1, topic: 'a', nextOffset: 1, headOffset: 3 }]);
  t.match(reader.of('messages'), [
    { topic: 'a', baseOffset: 1, prevOffset: 0, records: { length: 2 } },
    { topic: 'a', baseOffset: 3, prevOffset: 2, records: { length: 1 } },
  ]);
  writer.publish('a', '4');
  t.same(reader.texts('a'), ['1', '2', '3', '4']);
  t.same(reader.offsets('a'), [1, 2, 3, 4]);
  reader.heard();
  reader.unsubscribe('a');
  writer.publish('a', '5');
  t.same(reader.heard(), [{ type: 'unsubscribed', requestId: 2, topic: 'a' }]);
  reader.subscribe('a');
  t.match(reader.heard(), [{ type: 'subscribed', nextOffset: 6, headOffset: 5 }]);
});

t.test('S4 in one turn: publish, subscribe, publish, unsubscribe', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client();
  const publish = (data: string) => encodeFrame(publishFrame(0, 'a', data));
  writer.link.send(publish('before'));
  reader.link.send(encodeFrame(subscribeFrame(1, 'a')));
  writer.link.send(publish('after'));
  world.time.run();
  t.match(reader.heard(), [
    { type: 'subscribed', nextOffset: 2, headOffset: 1 },
    { type: 'messages', baseOffset: 2 },
  ]);
  writer.link.send(publish('late'));
  reader.link.send(encodeFrame({ type: 'unsubscribe', requestId: 2, topic: 'a' }));
  world.time.run();
  t.same(reader.names(), ['unsubscribed']);
});

t.test('where a subscription may begin', async (t) => {
  const { world, writer } = withWriter();
  for (let i = 1; i <= 10; i++) {
    world.advance(1_000);
    writer.publish('a', `${i}`);
  }
  const stamps = world
    .client()
    .subscribe('a', { start: Start.EARLIEST })
    .of('messages')
    .map((m) => m.timestampUs);
  const epoch = epochOf(world.client().subscribe('a'), 'a');
  const cases: [string, Parameters<ProtocolClient['subscribe']>[1], number][] = [
    ['latest', { start: Start.LATEST }, 11],
    ['earliest', { start: Start.EARLIEST }, 1],
    ['position', { start: Start.POSITION, epoch, offset: 4 }, 4],
    ['position without an epoch', { start: Start.POSITION, offset: 4 }, 4],
    ['position 0', { start: Start.POSITION, epoch, offset: 0 }, 1],
    ['position at the head', { start: Start.POSITION, epoch, offset: 10 }, 10],
    ['position behind the head', { start: Start.POSITION, epoch, offset: 11 }, 11],
    ['last 3', { start: Start.LAST_N, lastN: 3 }, 8],
    ['last 0', { start: Start.LAST_N, lastN: 0 }, 11],
    ['last 100', { start: Start.LAST_N, lastN: 100 }, 1],
    ['since the fifth', { start: Start.SINCE, sinceUs: stamps[4] ?? 0 }, 5],
    ['since right behind the fifth', { start: Start.SINCE, sinceUs: (stamps[4] ?? 0) + 1 }, 6],
    ['since the future', { start: Start.SINCE, sinceUs: (stamps[9] ?? 0) + 1 }, 11],
  ];
  for (const [name, start, first] of cases) {
    const reader = world.client().subscribe('a', start);
    t.match(reader.of('subscribed'), [{ epoch, nextOffset: first, headOffset: 10 }], name);
    t.same(reader.offsets('a'), first > 10 ? [] : numbers(first, 10), name);
    t.same(reader.gaps('a'), []);
  }
});

t.test('S1 subscribing and unsubscribing thousands of times a second: bounded, and over in a second', async (t) => {
  const { world } = withWriter({ maxSubscriptions: 100 });
  const client = world.client();
  for (let i = 0; i < 2_000; i++) client.subscribe('a').unsubscribe('a');
  t.equal(client.errors.length, 4_000 - 1_100);
  t.ok(client.errors.every((name) => name === 'RATE_LIMITED' || name === 'UNKNOWN_SUBSCRIPTION'));
  t.equal(client.end, 'none');
  client.heard();
  world.advance(1_000);
  for (let i = 0; i < 500; i++) client.subscribe('b').unsubscribe('b');
  t.same(client.errors, []);
  t.equal(world.stats.topics, 0, 'nothing is left of topics without records');
});

t.test('S2 illegal, overlong, non-UTF-8 topics; too many subscriptions; the same twice', async (t) => {
  const { world } = withWriter({ maxSubscriptions: 3 });
  const client = world.client();
  const illegal = [
    '',
    ' ',
    'a b',
    'a\n',
    'a..b',
    '.a',
    'a.',
    '>.a',
    'a.>.b',
    'a*',
    `${'x'.repeat(256)}`,
    'é'.repeat(128),
  ];
  for (const topic of illegal) client.subscribe(topic);
  t.same(
    client.errors,
    illegal.map(() => 'BAD_TOPIC'),
  );
  t.same(
    client.of('error').map((error) => error.requestId),
    illegal.map((_, i) => i + 1),
  );
  client.heard();
  client.subscribe('a').subscribe('a').subscribe('b.*').subscribe('b.*').subscribe('x'.repeat(255)).subscribe('d');
  t.same(client.errors, ['ALREADY_SUBSCRIBED', 'ALREADY_SUBSCRIBED', 'TOO_MANY_SUBSCRIPTIONS']);
  client.heard();
  client.unsubscribe('never').unsubscribe('a').subscribe('d');
  t.same(client.names(), ['error', 'unsubscribed', 'subscribed']);
  t.same(client.errors, ['UNKNOWN_SUBSCRIPTION']);
  t.equal(client.end, 'none');
  // A topic that is no UTF-8 makes the payload undecodable: which topic is meant is anybody's guess.
  const bytes = encodeFrame(subscribeFrame(1, 'zz'));
  bytes.set([0xff, 0xfe], bytes.indexOf(0x7a));
  sealFrame(bytes, 0, bytes.length - FRAME_OVERHEAD);
  t.equal(client.sendBytes(bytes).cause, 'PROTOCOL_ERROR');
});

t.test('S2 topics of the daemon’s own, and patterns, cannot be published to', async (t) => {
  const { world, writer } = withWriter();
  for (const topic of ['$sys', '$sys.a', 'a.*', '>', 'a b', '']) writer.publish(topic, 'x');
  t.same(
    writer.errors,
    Array.from({ length: 6 }, () => 'BAD_TOPIC'),
  );
  t.equal(world.stats.topics, 0);
  t.equal(writer.end, 'none');
  const reader = world.client().subscribe('>', { start: Start.EARLIEST }).subscribe('$sys');
  t.same(
    reader.of('subscribed').map((frame) => frame.topic),
    ['>', '$sys'],
    'a wildcard does not cover $ topics',
  );
  for (const pattern of ['*.a', '>']) world.client().fetch(pattern);
});

t.test('the limit of topics', async (t) => {
  const { world, writer } = withWriter({ maxTopics: 2 });
  writer
    .publish('a', 'x')
    .publish('b', 'x')
    .publish('c', 'x')
    .publish('a', 'y')
    .subscribe('d')
    .fetch('e', { waitMs: 1_000 });
  t.same(writer.errors, ['TOO_MANY_SUBSCRIPTIONS', 'TOO_MANY_SUBSCRIPTIONS', 'TOO_MANY_SUBSCRIPTIONS']);
  t.equal(writer.of('ack').length, 3);
  t.equal(world.stats.topics, 2);
});

const TWELVE = [...'abcdefghijkl'];

/** All the patterns with up to 3 `*` that cover `a.b.c.d.e.f.g.h.i.j.k.l.<anything>`: 299. */
const PATTERN_BOMBS = Array.from({ length: 1 << 12 }, (_, bits) =>
  [...TWELVE.map((token, bit) => ((bits >> bit) & 1 ? '*' : token)), '>'].join('.'),
).filter((pattern) => pattern.split('*').length <= 4);

t.test('S3 pattern bombs: hundreds of patterns that cover the same topics; each record comes once', async (t) => {
  const { world, writer } = withWriter();
  const name = TWELVE.join('.');
  for (let i = 0; i < 200; i++) writer.publish(`${name}.${i}`, 'x');
  const bomber = world.client();
  for (const pattern of PATTERN_BOMBS) bomber.subscribe(pattern);
  t.same(bomber.errors, []);
  bomber.heard();
  writer.publish(`${name}.1`, 'once').publish(`${name}.new`, 'first');
  t.same(bomber.texts(`${name}.1`), ['once']);
  t.same(bomber.texts(`${name}.new`), ['first']);
  bomber.cut();
  t.ok(world.server.topics().every((topic) => topic.subscribers === 0));
});

t.test('a topic without a record is there for those alone who named it', async (t) => {
  const { world, writer } = withWriter();
  const listener = world.client().subscribe('a.*');
  listener.heard();
  writer.publish('a.empty').fetch('a.fetched').fetch('a.future', { start: Start.POSITION, offset: 9 });
  t.equal(world.stats.topics, 0, 'nothing is left of an empty PUBLISH, or of a FETCH that does not wait');
  t.match(writer.of('ack'), [{ baseOffset: 0 }]);
  t.match(writer.of('fetched'), [{ nextOffset: 1, more: false }]);
  t.same(writer.errors, ['OFFSET_IN_FUTURE']);
  const reader = world.client().subscribe('a.b').fetch('a.c', { waitMs: 60_000 });
  t.equal(world.stats.topics, 2);
  t.same(listener.heard(), [], 'nobody else is told');
  t.same(world.client().subscribe('>').names(), ['subscribed'], 'nor who comes later');
  writer.publish('a.b', '1').publish('a.c', '1');
  t.match(listener.of('subscribed'), [
    { topic: 'a.b', nextOffset: 1 },
    { topic: 'a.c', nextOffset: 1 },
  ]);
  t.same([listener.texts('a.b'), listener.texts('a.c')], [['1'], ['1']]);
  t.same([reader.texts('a.b'), reader.texts('a.c')], [['1'], ['1']]);
});

t.test('FETCH has a rate', async (t) => {
  const { world } = withWriter({ maxSubscriptions: 10 });
  const client = world.client();
  for (let i = 0; i < 1_020; i++) client.fetch(`t${i}`);
  t.equal(client.of('fetched').length, 1_010);
  t.equal(client.errors.filter((error) => error === 'RATE_LIMITED').length, 10);
  client.heard();
  world.advance(1_000);
  t.same(client.fetch('again').names(), ['fetched']);
});

t.test('positions of patterns: so many are kept at a time, and only those that a pattern covers', async (t) => {
  const { world, writer } = withWriter();
  const client = world.client();
  const places = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, i) => ({ topic: `${prefix}.${i}`, epoch: 'gone', offset: 1 }));
  client.subscribe('a.*', { positions: places(POSITIONS_MAX + 1, 'a') });
  t.same(client.errors, ['TOO_MANY_SUBSCRIPTIONS']);
  client.heard();
  client.subscribe('other.*', { positions: places(POSITIONS_MAX, 'a') });
  client.subscribe('a.*', { positions: places(POSITIONS_MAX, 'a') });
  t.same(client.errors, [], 'what the pattern does not cover is not kept');
  client.subscribe('b.*', { positions: places(1, 'b') });
  t.same(client.errors, ['TOO_MANY_SUBSCRIPTIONS']);
  writer.publish('a.0', 'x');
  t.match(client.gaps('a.0'), [{ reason: GapReason.EPOCH_CHANGED }]);
  client.heard();
  client.subscribe('b.*', { positions: places(1, 'b') });
  t.same(client.errors, [], 'one that has served is not kept');
});

t.test('a client that takes nothing is told of the topics of all its patterns when it does', async (t) => {
  const { world, writer, publish } = withWriter();
  for (let i = 0; i < 50; i++) publish(`m.${i}`, 1);
  const client = world.client();
  client.link.allow(0);
  client.subscribe('m.*', { start: Start.EARLIEST }).subscribe('*.1', { start: Start.EARLIEST }).subscribe('>');
  for (let i = 40; i < 60; i++) writer.publish(`m.${i}`, 'y');
  client.link.allow(Infinity);
  world.time.run();
  t.equal(client.of('subscribed').length, 3 + 60 + 1 + 60);
  t.equal(new Set(client.of('messages').map(({ topic }) => topic)).size, 60);
  t.same(client.texts('m.45'), ['x', 'y']);
  t.same(client.texts('m.55'), ['y'], 'from its beginning');
});

t.test('R1 resume while publishing goes on: no gap, no duplicate, no reorder', async (t) => {
  const { world, writer } = withWriter();
  let reader = world.client().subscribe('a');
  const epoch = epochOf(reader, 'a');
  const got: number[] = [];
  for (let i = 0; i < 500; i++) {
    writer.publish('a', `${3 * i + 1}`, `${3 * i + 2}`, `${3 * i + 3}`);
    if (i % 7 === 3) reader.link.allow(i % 3 === 0 ? 50 : Infinity);
    if (i % 20 !== 19) continue;
    got.push(...reader.offsets('a'));
    reader.cut();
    writer.publish('b', 'elsewhere');
    const next = (got.at(-1) ?? 0) + 1;
    reader = world.client().subscribe('a', { start: Start.POSITION, epoch, offset: next });
    t.match(reader.of('subscribed'), [{ epoch, nextOffset: next }]);
  }
  got.push(...reader.offsets('a'));
  t.same(got, numbers(1, 1_500));
});

t.test('R1 a resume in the middle of a batch is sent the whole batch', async (t) => {
  const { world, writer } = withWriter();
  writer.publish('a', '1', '2', '3', '4').publish('a', '5');
  const reader = world.client().subscribe('a', { start: Start.POSITION, offset: 3 });
  t.match(reader.of('subscribed'), [{ nextOffset: 3 }]);
  t.same(reader.offsets('a'), [1, 2, 3, 4, 5]);
});

t.test('R2 below retention: a GAP with the exact range, then the rest', async (t) => {
  const { world, publish } = withWriter({ retention: { bytes: Infinity, records: 10, ageMs: Infinity } });
  publish('a', 25);
  const epoch = epochOf(world.client().subscribe('a'), 'a');
  const reader = world.client().subscribe('a', { start: Start.POSITION, epoch, offset: 6 });
  t.same(reader.names().slice(0, 3), ['subscribed', 'gap', 'messages']);
  t.match(reader.of('subscribed'), [{ nextOffset: 16, headOffset: 25 }]);
  t.same(reader.gaps('a'), [
    { type: 'gap', topic: 'a', epoch, fromOffset: 6, toOffset: 15, reason: GapReason.EVICTED },
  ]);
  t.same(reader.offsets('a'), numbers(16, 25));
  t.equal(world.counts.get('gap.EVICTED'), 1);
});

t.test('R3 above the head: OFFSET_IN_FUTURE, and no subscription', async (t) => {
  const { world, publish, writer } = withWriter();
  publish('a', 5);
  const reader = world.client().subscribe('a', { start: Start.POSITION, offset: 7 });
  t.same(reader.names(), ['error']);
  t.same(reader.errors, ['OFFSET_IN_FUTURE']);
  writer.publish('a', 'x');
  t.same(reader.texts('a'), []);
  t.same(reader.unsubscribe('a').errors, ['OFFSET_IN_FUTURE', 'UNKNOWN_SUBSCRIPTION']);
  reader.subscribe('unknown', { start: Start.POSITION, offset: 2 });
  t.equal(world.stats.topics, 1, 'and no topic');
});

t.test('R4 another epoch: a GAP with EPOCH_CHANGED, then from the earliest', async (t) => {
  const { world, publish } = withWriter({ retention: { bytes: Infinity, records: 3, ageMs: Infinity } });
  publish('a', 5);
  publish('b', 2);
  for (const [topic, to, rest] of [
    ['a', 2, [3, 4, 5]],
    ['b', 0, [1, 2]],
  ] as const) {
    const reader = world.client().subscribe(topic, { start: Start.POSITION, epoch: 'another', offset: 99 });
    t.match(reader.gaps(topic), [{ fromOffset: 1, toOffset: to, reason: GapReason.EPOCH_CHANGED }]);
    t.same(reader.offsets(topic), rest);
    t.not(epochOf(reader, topic), 'another');
  }
});

t.test('R4 retention that cuts at the very offset being resumed', async (t) => {
  const { world, publish } = withWriter({ retention: { bytes: Infinity, records: 10, ageMs: Infinity } });
  publish('a', 20);
  const at = (offset: number) => world.client().subscribe('a', { start: Start.POSITION, offset });
  t.same(at(11).gaps('a'), []);
  t.same(at(11).offsets('a'), numbers(11, 20));
  t.match(at(10).gaps('a'), [{ fromOffset: 10, toOffset: 10 }]);
  // The cut comes between the request and the delivery.
  const reader = world.client();
  reader.link.allow(0);
  reader.subscribe('a', { start: Start.POSITION, offset: 11 });
  publish('a', 4);
  reader.link.allow(Infinity);
  world.time.run();
  t.match(reader.gaps('a'), [{ fromOffset: 11, toOffset: 14, reason: GapReason.EVICTED }]);
  t.same(reader.offsets('a'), numbers(15, 24));
});

t.test('R5 10,000 clients resume at once: bounded, shared, and live delivery goes on', async (t) => {
  const { world, writer } = withWriter({
    maxConns: 20_000,
    retention: { bytes: 1e9, records: Infinity, ageMs: Infinity },
  });
  for (let i = 0; i < 100; i++) writer.publish('history', 'x'.repeat(5_000));
  const live = world.client().subscribe('live');
  const crowd = Array.from({ length: 10_000 }, () => {
    const client = world.dial();
    client.hello({ resuming: true });
    return client;
  });
  for (const client of crowd) client.link.send(encodeFrame(subscribeFrame(1, 'history', { start: Start.EARLIEST })));
  const sent = () => world.counts.get('bytesSent');
  let turns = 0;
  for (let before = sent(); world.stats.laggingCursors > 0; before = sent()) {
    if (turns % 200 === 0) writer.link.send(encodeFrame(publishFrame(0, 'live', `${turns}`)));
    world.time.turn();
    turns += 1;
    if (turns % 200 === 1 && live.texts('live').at(-1) !== `${turns - 1}`) return void t.fail('live delivery waited');
    if (sent() - before > 6 * 1024 * 1024) return void t.fail('a turn sent more than its part');
    for (const client of crowd) client.heard();
  }
  t.ok(turns > 500, `${turns} turns`);
  t.equal(world.counts.get('delivered') - live.texts('live').length, 1_000_000);
  t.equal(crowd.filter((client) => client.end !== 'none').length, 0);
});

t.test('publishing: ACKs carry the position, and a batch keeps its order', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client().subscribe('a');
  writer.publish('a', '1').publish('a', '2', '3').publish('a').publish('b', '1');
  const epoch = epochOf(reader, 'a');
  t.match(writer.of('ack'), [
    { requestId: 1, epoch, baseOffset: 1, results: [] },
    { requestId: 2, epoch, baseOffset: 2, results: [] },
    { requestId: 3, epoch, baseOffset: 0, results: [] },
    { requestId: 4, baseOffset: 1, results: [] },
  ]);
  t.not(writer.of('ack')[3]?.epoch, epoch, 'each topic has its own');
  t.same(reader.texts('a'), ['1', '2', '3']);
});

t.test('a publish with request_id 0 asks for no ACK; if it fails, the error has request_id 0', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client().subscribe('a');
  writer.send(publishFrame(0, 'a', 'x'));
  t.same(writer.heard(), []);
  t.same(reader.texts('a'), ['x']);
  writer.send(publishFrame(0, 'a b', 'x'));
  t.match(writer.heard(), [{ type: 'error', requestId: 0, code: 3003 }]);
});

t.test('duplicates are not appended again, and their ACK names the first one’s offset', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client().subscribe('a');
  writer.publish('a', { data: '1', id: 'one' }, { data: '2' }, { data: '3', id: 'three' });
  t.same(writer.lastAck?.results, [], 'no results without duplicates');
  writer.publish(
    'a',
    { data: '4', id: 'four' },
    { data: '1 again', id: 'one' },
    { data: '5' },
    { data: '4 again', id: 'four' },
  );
  t.match(writer.lastAck, {
    baseOffset: 4,
    results: [
      { offset: 4, duplicate: false },
      { offset: 1, duplicate: true },
      { offset: 5, duplicate: false },
      { offset: 4, duplicate: true },
    ],
  });
  writer.publish('a', { data: '3 again', id: 'three' });
  t.match(writer.lastAck, { baseOffset: 3, results: [{ offset: 3, duplicate: true }] });
  writer.publish('b', { data: 'elsewhere', id: 'one' });
  t.match(writer.lastAck, { baseOffset: 1, results: [] }, 'ids belong to a topic');
  t.same(reader.texts('a'), ['1', '2', '3', '4', '5']);
  t.same(reader.offsets('a'), [1, 2, 3, 4, 5]);
  t.equal(world.counts.get('duplicates'), 3);
  t.equal(world.counts.get('published'), 6);
});

t.test('a pattern: SUBSCRIBED for itself, then for each topic, ahead of its first message', async (t) => {
  const { world, writer } = withWriter();
  writer.publish('m.cpu', '1').publish('m.mem', '1').publish('other', '1');
  const reader = world.client().subscribe('m.*', { start: Start.EARLIEST });
  t.match(reader.of('subscribed'), [
    { requestId: 1, topic: 'm.*', epoch: '', nextOffset: 0, headOffset: 0 },
    { requestId: 1, topic: 'm.cpu', nextOffset: 1, headOffset: 1 },
    { requestId: 1, topic: 'm.mem', nextOffset: 1, headOffset: 1 },
  ]);
  t.same(reader.texts('m.cpu'), ['1']);
  t.same(reader.texts('other'), []);
  reader.heard();
  writer.publish('m.disk', '1', '2').publish('m.disk', '3').publish('m.cpu', '2').publish('m.a.b', '1');
  t.same(reader.names(), ['subscribed', 'messages', 'messages', 'messages']);
  t.match(reader.of('subscribed'), [{ requestId: 1, topic: 'm.disk', nextOffset: 1 }]);
  t.same(reader.texts('m.disk'), ['1', '2', '3'], 'one that comes up later is sent from its beginning');
  reader.heard();
  reader.unsubscribe('m.*');
  writer.publish('m.cpu', '3').publish('m.new', '1');
  t.same(reader.names(), ['unsubscribed']);
});

t.test(
  'a topic that comes up is told to a pattern ahead of its first message, though it is listened to by name',
  async (t) => {
    const { world, writer } = withWriter();
    const reader = world.client().subscribe('m.cpu').subscribe('m.*', { requestId: 2 });
    reader.heard();
    writer.publish('m.cpu', '1').publish('m.cpu', '2');
    t.same(reader.names(), ['subscribed', 'messages', 'messages']);
    t.match(reader.of('subscribed'), [{ requestId: 2, topic: 'm.cpu', nextOffset: 1 }]);
    t.same(reader.texts('m.cpu'), ['1', '2']);
  },
);

t.test('a pattern that begins at the latest: nothing old, everything new', async (t) => {
  const { world, writer } = withWriter();
  writer.publish('m.a', 'old');
  const reader = world.client().subscribe('m.>');
  t.match(reader.of('subscribed'), [{ topic: 'm.>' }, { topic: 'm.a', nextOffset: 2, headOffset: 1 }]);
  writer.publish('m.a', 'new').publish('m.b.c', 'first');
  t.same([reader.texts('m.a'), reader.texts('m.b.c')], [['new'], ['first']]);
});

t.test('an exact subscription and patterns together: each record once, whatever the order', async (t) => {
  const names = ['a.b', 'a.*', '>', '*.b'];
  for (const order of [names, names.toReversed()]) {
    const { world, writer } = withWriter();
    writer.publish('a.b', '1');
    const reader = world.client();
    for (const name of order) reader.subscribe(name, { start: Start.EARLIEST });
    t.same(reader.texts('a.b'), ['1'], order.join());
    t.equal(reader.of('subscribed').filter((frame) => frame.topic === 'a.b').length, 4, 'each says where it stands');
    writer.publish('a.b', '2');
    t.same(reader.texts('a.b'), ['1', '2']);
    for (const name of order.slice(0, -1)) reader.unsubscribe(name);
    writer.publish('a.b', '3');
    t.same(reader.texts('a.b'), ['1', '2', '3'], 'the last one still covers it');
    reader.unsubscribe(order.at(-1) ?? '');
    writer.publish('a.b', '4');
    t.same(reader.texts('a.b'), ['1', '2', '3']);
  }
});

t.test('to resume a pattern: positions for the topics that are known, EARLIEST for the others', async (t) => {
  const { world, writer, publish } = withWriter();
  publish('m.a', 5);
  publish('m.b', 5);
  publish('m.c', 5);
  const first = world.client().subscribe('m.*');
  const positions = [
    { topic: 'm.a', epoch: epochOf(first, 'm.a'), offset: 4 },
    { topic: 'm.b', epoch: 'gone', offset: 2 },
    { topic: 'm.future', epoch: 'gone', offset: 2 },
    { topic: 'm.c', epoch: epochOf(first, 'm.c'), offset: 99 },
  ];
  const reader = world.client().subscribe('m.*', { start: Start.EARLIEST, positions });
  t.same(reader.offsets('m.a'), [4, 5]);
  t.same(reader.offsets('m.b'), [1, 2, 3, 4, 5]);
  t.match(reader.gaps('m.b'), [{ reason: GapReason.EPOCH_CHANGED, fromOffset: 1, toOffset: 0 }]);
  t.same(reader.errors, ['OFFSET_IN_FUTURE']);
  t.same(reader.offsets('m.c'), [], 'goes on at the head');
  writer.publish('m.c', 'next');
  t.same(reader.offsets('m.c'), [6]);
  writer.publish('m.future', '1');
  t.match(reader.gaps('m.future'), [{ reason: GapReason.EPOCH_CHANGED, fromOffset: 1, toOffset: 0 }]);
  t.same(reader.offsets('m.future'), [1]);
});

t.test(
  'a pattern over more topics than one link takes at once: each is announced, and no message comes before',
  async (t) => {
    const { world, writer } = withWriter();
    for (let i = 0; i < 5_000; i++) writer.publish(`m.${i}`, 'x');
    writer.heard();
    const reader = world.client();
    reader.link.allow(20_000);
    reader.subscribe('m.*', { start: Start.EARLIEST });
    for (let i = 0; i < 1_000; i++) {
      writer.publish(`m.${i * 5}`, 'y');
      reader.link.take(2_000);
      world.time.run();
    }
    reader.link.allow(Infinity);
    world.time.run();
    const announced = new Set<string>();
    const next = new Map<string, number>();
    for (const frame of reader.heard()) {
      if (frame.type === 'subscribed') {
        if (announced.has(frame.topic)) throw new Error(`${frame.topic} is announced twice`);
        announced.add(frame.topic);
        next.set(frame.topic, frame.nextOffset);
      }
      if (frame.type !== 'messages') continue;
      if (next.get(frame.topic) !== frame.baseOffset) return void t.fail(`${frame.topic} at ${frame.baseOffset}`);
      next.set(frame.topic, frame.baseOffset + frame.records.length);
    }
    t.equal(announced.size, 5_001);
    t.ok([...Array(5_000).keys()].every((i) => next.get(`m.${i}`) === (i % 5 === 0 ? 3 : 2)));
  },
);

t.test(
  'a topic is forgotten when nothing is retained and nobody listens; the next of its name has another epoch',
  async (t) => {
    const { world, writer } = withWriter({
      retention: { bytes: Infinity, records: Infinity, ageMs: 5_000 },
      heartbeat: 600_000,
    });
    const pattern = world.client().subscribe('a.*');
    writer.publish('a.b', '1');
    const epoch = epochOf(pattern, 'a.b');
    const exact = world.client().subscribe('a.b');
    world.advance(10_000);
    t.equal(world.stats.topics, 1, 'somebody listens');
    t.equal(world.stats.logBytes, 0);
    exact.cut();
    world.advance(2_000);
    t.equal(world.stats.topics, 0, 'a pattern does not keep it');
    pattern.heard();
    writer.publish('a.b', '1');
    t.match(pattern.of('subscribed'), [{ topic: 'a.b', nextOffset: 1 }]);
    t.not(epochOf(pattern, 'a.b'), epoch);
    t.same(pattern.offsets('a.b'), [1]);
    const late = world.client().subscribe('a.b', { start: Start.POSITION, epoch, offset: 2 });
    t.match(late.gaps('a.b'), [{ reason: GapReason.EPOCH_CHANGED }]);
  },
);

t.test(
  'the ids of a topic outlive its records: what is published again within ten minutes is a duplicate',
  async (t) => {
    const { world, writer } = withWriter({
      retention: { bytes: Infinity, records: Infinity, ageMs: 1_000 },
      heartbeat: 600_000,
    });
    const again = () => writer.publish('a', { data: '1', id: 'one' }).lastAck;
    const first = again();
    world.advance(590_000);
    t.equal(world.stats.logBytes, 0);
    t.match(again(), { epoch: first?.epoch, results: [{ offset: 1, duplicate: true }] });
    world.advance(20_000);
    t.equal(world.stats.topics, 0, 'then it is forgotten');
    t.match(again(), { baseOffset: 1, results: [] });
    t.not(writer.lastAck?.epoch, first?.epoch);
  },
);

t.test('retention is bounded in total: who holds most gives up first', async (t) => {
  const { world, writer } = withWriter({
    retainTotal: 1_000_000,
    retention: { bytes: 900_000, records: Infinity, ageMs: Infinity },
  });
  writer.publish('small', 'x');
  for (let i = 0; i < 100; i++) writer.publish('a', 'x'.repeat(20_000)).publish('b', 'x'.repeat(20_000));
  t.ok(world.stats.logBytes <= 1_000_000);
  t.equal(world.server.topics().find((topic) => topic.name === 'small')?.first, 1, 'who holds little keeps it');
  const reader = world.client().subscribe('a', { start: Start.POSITION, offset: 1 });
  const [gap] = reader.gaps('a');
  t.same(reader.offsets('a'), numbers((gap?.toOffset ?? 0) + 1, 100));
});

t.test('FETCH: what there is, within its limits, and FETCHED behind it', async (t) => {
  const { world, writer, publish } = withWriter();
  publish('a', 10, 'x'.repeat(100));
  const reader = world.client();
  const epoch = reader.fetch('a').of('fetched')[0]?.epoch ?? '';
  t.same(reader.names(), [...Array.from({ length: 10 }, () => 'messages'), 'fetched']);
  t.match(reader.of('fetched'), [{ requestId: 1, nextOffset: 11, more: false }]);
  const ask = (more: Parameters<ProtocolClient['fetch']>[1]) => {
    reader.heard();
    reader.fetch('a', more);
    const [fetched] = reader.of('fetched');
    return [reader.offsets('a'), fetched?.nextOffset, fetched?.more];
  };
  t.same(ask({ maxRecords: 3 }), [[1, 2, 3], 4, true]);
  t.same(ask({ start: Start.POSITION, epoch, offset: 9, maxRecords: 3 }), [[9, 10], 11, false]);
  t.same(ask({ start: Start.POSITION, epoch, offset: 11 }), [[], 11, false]);
  t.same(ask({ maxBytes: 300 }), [[1, 2], 3, true]);
  t.same(ask({ maxBytes: 1 }), [[1], 2, true], 'at least one batch, or nobody would get on');
  t.same(ask({ start: Start.LAST_N, maxRecords: 2 }), [[9, 10], 11, false]);
  t.same(ask({ start: Start.LATEST }), [[], 11, false]);
  writer.publish('a', 'p', 'q', 'r');
  t.same(ask({ start: Start.POSITION, epoch, offset: 12, maxRecords: 1 }), [[11, 12, 13], 14, false], 'whole batches');
  t.equal(world.stats.laggingCursors, 0);
});

t.test('FETCH: what is lost is named', async (t) => {
  const { world, publish } = withWriter({ retention: { bytes: Infinity, records: 5, ageMs: Infinity } });
  publish('a', 8);
  const reader = world.client().fetch('a', { start: Start.POSITION, offset: 2 });
  t.match(reader.gaps('a'), [{ fromOffset: 2, toOffset: 3, reason: GapReason.EVICTED }]);
  t.same(reader.names().at(-1), 'fetched');
  t.same(reader.offsets('a'), [4, 5, 6, 7, 8]);
  reader.heard();
  reader.fetch('a', { start: Start.POSITION, epoch: 'another', offset: 7 });
  t.match(reader.gaps('a'), [{ fromOffset: 1, toOffset: 3, reason: GapReason.EPOCH_CHANGED }]);
  t.same(reader.offsets('a'), [4, 5, 6, 7, 8]);
  reader.heard();
  reader.fetch('a', { start: Start.POSITION, offset: 10 });
  t.same(reader.errors, ['OFFSET_IN_FUTURE']);
  reader.heard();
  reader.fetch('new', { start: Start.POSITION, epoch: 'another', offset: 7, waitMs: 5_000 });
  t.same(reader.names(), ['gap', 'fetched'], 'a GAP is an answer: there is nothing to wait for');
  t.equal(world.stats.topics, 1);
});

t.test('FETCH: a long poll is answered by the next append, or by nothing when its time is up', async (t) => {
  const { world, writer } = withWriter({ heartbeat: 600_000 });
  const reader = world.client().fetch('a', { waitMs: 5_000 });
  t.same(reader.names(), []);
  t.equal(world.stats.timers > 0, true);
  writer.publish('a', '1', '2');
  t.same(reader.names(), ['messages', 'fetched']);
  t.match(reader.of('fetched'), [{ nextOffset: 3, more: false }]);
  reader.heard();
  reader.fetch('a', { start: Start.POSITION, offset: 3, waitMs: 5_000 });
  world.advance(4_900);
  t.same(reader.names(), []);
  world.advance(200);
  t.match(reader.heard(), [{ type: 'fetched', requestId: 2, nextOffset: 3, more: false }]);
  writer.publish('a', '3');
  t.same(reader.names(), [], 'it was answered once');
  reader.fetch('b', { waitMs: 4e9 });
  world.advance(61_000);
  t.same(reader.names(), ['fetched'], 'nobody waits for longer than a minute');
  t.equal(world.stats.topics, 1, 'and b is forgotten');
});

t.test('FETCH: its answer does not wait for all that subscriptions are behind', async (t) => {
  const { world, writer, publish } = withWriter();
  publish('a', 100, 'x'.repeat(32_000));
  writer.publish('b', 'x');
  const reader = world.client();
  reader.link.allow(0);
  reader.subscribe('a', { start: Start.EARLIEST }).fetch('b');
  reader.link.allow(Infinity);
  world.time.run();
  t.equal(reader.offsets('a').length, 100);
  t.ok(reader.names().indexOf('fetched') < 20, 'behind what was under way');
});

t.test('FETCH of a topic that is subscribed to, or being fetched, could not be told apart', async (t) => {
  const { world, writer } = withWriter({ heartbeat: 600_000 });
  writer.publish('a.b', '1');
  const reader = world.client().subscribe('a.*').fetch('a.b');
  t.same(reader.errors, ['ALREADY_SUBSCRIBED']);
  reader.heard();
  reader.fetch('c', { waitMs: 1_000 }).fetch('c', { waitMs: 1_000 });
  t.same(reader.errors, ['ALREADY_SUBSCRIBED']);
  reader.heard();
  for (const name of ['c', 'd.*']) {
    const topic = name.replace('*', 'e');
    if (topic !== 'c') reader.fetch(topic, { waitMs: 10_000 });
    reader.heard();
    reader.subscribe(name);
    // A pattern covers a topic from its first record on.
    t.equal(reader.of('fetched').length, topic === name ? 1 : 0, 'a subscription ends a fetch that waits');
    writer.publish(topic, 'once');
    t.equal(reader.of('fetched').length, 1);
    t.same(reader.texts(topic), ['once']);
  }
});

t.test('FETCH: so many may wait at the same time, and none outlives its connection', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client();
  for (let i = 0; i < 65; i++) reader.fetch(`a.${i}`, { waitMs: 60_000 });
  t.same(reader.errors, ['RATE_LIMITED']);
  t.equal(world.stats.topics, 64);
  reader.cut();
  t.equal(world.stats.topics, 0);
  writer.cut();
  world.assertDeserted();
});

t.test('records arrive exactly as published', async (t) => {
  const { world, writer } = withWriter();
  const reader = world.client().subscribe('a');
  const record = {
    data: Uint8Array.from({ length: 256 }, (_, i) => i),
    id: Uint8Array.of(0, 255, 0),
    key: 'ключ',
    headers: new Map([
      ['__proto__', 'x'],
      ['', ''],
    ]),
  };
  writer.send({ type: 'publish', requestId: 1, topic: 'a', records: [record] });
  const [got] = reader.of('messages')[0]?.records ?? [];
  t.same(Buffer.from(got?.data ?? []), Buffer.from(record.data));
  t.same(Buffer.from(got?.id ?? []), Buffer.from(record.id));
  t.equal(got?.key, record.key);
  t.same(got?.headers, record.headers);
});
