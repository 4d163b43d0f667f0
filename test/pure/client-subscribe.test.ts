import t from 'tap';
import type { Subscription } from '../../src/client/index.js';
import { CODES, type Frame, GapReason, OnLag, POSITIONS_MAX, Start } from '../../src/wire/index.js';
import { collect, type FakeLink, messages, Pair, record, settle, subscribed } from './client-pair.js';

const gap = (topic: string, epoch: string, fromOffset: number, toOffset: number, reason: GapReason): Frame => ({
  type: 'gap',
  topic,
  epoch,
  fromOffset,
  toOffset,
  reason,
});
const refusal = (requestId: number, name: keyof typeof CODES): Frame => ({
  type: 'error',
  requestId,
  code: CODES[name].code,
  message: 'no',
});

/** Grants the client's next SUBSCRIBE of a topic in epoch e, from `next` on. */
function grant(link: FakeLink, next = 1, head = next - 1, epoch = 'e'): void {
  const { requestId, topic } = link.next('subscribe');
  link.say(subscribed(requestId, topic, epoch, next, head));
}

/** A subscription to `a` that has been granted, and what its reader sees. */
function reader(pair: Pair, options: Parameters<Pair['client']['subscribe']>[1] = {}, topic = 'a') {
  const subscription = pair.client.subscribe(topic, options);
  return { subscription, seen: collect(subscription) };
}

t.test('where to begin is said as the protocol has it', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const asked = (topic: string, options: Parameters<Pair['client']['subscribe']>[1]) => {
    pair.client.subscribe(topic, options);
    return link.next('subscribe');
  };
  t.match(asked('a', {}), { topic: 'a', start: Start.LATEST, onLag: OnLag.WAIT, positions: [] });
  t.match(asked('b', { from: 'earliest', onLag: 'latest-per-key' }), {
    start: Start.EARLIEST,
    onLag: OnLag.LATEST_PER_KEY,
  });
  t.match(asked('c', { from: { epoch: 'e', offset: 7 } }), { start: Start.POSITION, epoch: 'e', offset: 7 });
  t.match(asked('d', { from: { last: 3 } }), { start: Start.LAST_N, lastN: 3 });
  t.match(asked('f', { from: { since: new Date(5) } }), { start: Start.SINCE, sinceUs: 5_000 });
  const positions = [{ topic: 'g.1', epoch: 'e', offset: 4 }];
  t.match(asked('g.*', { from: { positions } }), { start: Start.EARLIEST, positions });
  t.throws(() => pair.client.subscribe('a'), { code: 'INVALID_ARGUMENT' });
});

t.test('records come in order, with where they stand; nothing before SUBSCRIBED', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const subscription = pair.client.subscribe('a', { from: 'earliest' });
  link.say(messages('a', 1), messages('other', 1));
  grant(link, 1, 2);
  await subscription.ready();
  t.strictSame(subscription.position(), { epoch: 'e', offset: 1 });
  link.say(messages('a', 1, 2));
  const { value } = await subscription.next();
  t.match(value, { type: 'message', topic: 'a', epoch: 'e', offset: 1, key: '', timestampUs: 1_000 });
  t.strictSame(subscription.position(), { epoch: 'e', offset: 2 }, 'behind what was taken, not what was received');
  t.match(await subscription.next(), { done: false, value: { offset: 2 } });
  await subscription.return();
  t.match(link.next('unsubscribe'), { topic: 'a' });
  link.say(messages('a', 3));
  t.same(await subscription.next(), { done: true, value: undefined });
});

t.test('a reconnect goes on at the position; the batch that it is in the middle of is skipped into', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const { seen } = reader(pair);
  grant(pair.link, 5, 4);
  pair.link.say(messages('a', 5, 3));
  const link = pair.reconnect();
  const { requestId, ...asked } = link.next('subscribe');
  t.match(asked, { start: Start.POSITION, epoch: 'e', offset: 8 });
  link.say(messages('a', 8), subscribed(requestId, 'a', 'e', 8, 10), messages('a', 6, 4), messages('a', 10));
  await settle();
  t.strictSame(seen, [5, 6, 7, 8, 9, 10]);
});

t.test('before the first SUBSCRIBED, a reconnect begins where the application said', async (t) => {
  const pair = new Pair();
  pair.welcome();
  reader(pair, { from: { last: 5 } });
  t.match(pair.link.next('subscribe'), { start: Start.LAST_N });
  t.match(pair.reconnect().next('subscribe'), { start: Start.LAST_N, lastN: 5 });
});

t.test('a hole that no GAP declared: asked for again from there, and nothing out of order meanwhile', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair);
  grant(link);
  link.say(messages('a', 1), messages('a', 3), messages('a', 4));
  t.match(link.next('unsubscribe'), { topic: 'a' });
  const { requestId, ...asked } = link.next('subscribe');
  t.match(asked, { start: Start.POSITION, epoch: 'e', offset: 2 });
  t.strictSame(link.all(), [], 'once');
  link.say(subscribed(requestId, 'a', 'e', 2, 5), messages('a', 2), messages('a', 3, 2), messages('a', 5));
  await settle();
  t.strictSame(seen, [1, 2, 3, 4, 5]);
});

t.test('a hole that is there again is asked about on another link, and then declared', async (t) => {
  for (const behind of [messages('a', 4), gap('a', 'e', 4, 4, GapReason.SKIPPED)]) {
    const pair = new Pair();
    const first = pair.welcome();
    const { seen } = reader(pair);
    grant(first);
    first.say(messages('a', 1), behind);
    first.next('unsubscribe');
    grant(first, 2, 4);
    first.say(behind);
    t.match(first.next('close'), { code: CODES.CORRUPT.code });
    const link = pair.reconnect();
    grant(link, 2, 4);
    link.say(behind, messages('a', 5));
    await settle();
    t.strictSame(seen, [1, 'CORRUPT 2-3', behind.type === 'gap' ? 'SKIPPED 4-4' : 4, 5]);
    t.strictSame(link.all(), []);
  }
});

t.test('a GAP that begins behind a hole does not hide it, and says nothing of what was delivered', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair);
  grant(link);
  link.say(messages('a', 1), gap('a', 'e', 4, 6, GapReason.CONFLATED));
  link.next('unsubscribe');
  const { requestId, ...asked } = link.next('subscribe');
  t.match(asked, { start: Start.POSITION, epoch: 'e', offset: 2 });
  await settle();
  t.strictSame(seen, [1]);
  link.say(
    subscribed(requestId, 'a', 'e', 2, 7),
    messages('a', 2),
    messages('a', 3),
    gap('a', 'e', 2, 6, GapReason.EVICTED),
  );
  await settle();
  t.strictSame(seen, [1, 2, 3, 'EVICTED 4-6']);
});

t.test('offsets that are not consecutive are no hole, and prev_offset 0 says nothing', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair);
  grant(link, 4097, 0);
  link.say(messages('a', 4097, 2), messages('a', 8192, 1, 4098), messages('a', 12_288, 1, 0));
  await settle();
  t.strictSame(seen, [4097, 4098, 8192, 12_288]);
});

t.test('a damaged frame may have been anything: all is asked for again at once, from where it stands', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair);
  grant(link);
  link.say(messages('a', 1));
  link.bytes(Buffer.from('00000002ffff00000000', 'hex'));
  link.say(messages('a', 2));
  link.next('unsubscribe');
  grant(link, 2, 2);
  link.say(messages('a', 2));
  await settle();
  t.strictSame(seen, [1, 2], 'no second copy of what came in between');
});

t.test('gaps come in their place, once, with their reason', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen, subscription } = reader(pair, { onLag: 'skip' });
  grant(link);
  link.say(messages('a', 1), gap('a', 'e', 2, 5, GapReason.SKIPPED), messages('a', 6), gap('a', 'e', 2, 5, 2));
  link.say(messages('a', 8, 1, 6));
  await settle();
  t.strictSame(seen, [1, 'SKIPPED 2-5', 6, 8]);
  t.strictSame(subscription.position(), { epoch: 'e', offset: 9 });
});

t.test('what was evicted meanwhile is a gap, when the server says so', async (t) => {
  for (const declared of [true, false]) {
    const pair = new Pair();
    pair.welcome();
    const { seen } = reader(pair);
    grant(pair.link);
    pair.link.say(messages('a', 1, 2));
    const link = pair.reconnect();
    grant(link, 7, 9);
    if (declared) link.say(gap('a', 'e', 3, 6, GapReason.EVICTED));
    link.say(messages('a', 7, 3));
    await settle();
    if (declared) t.strictSame(seen, [1, 2, 'EVICTED 3-6', 7, 8, 9]);
    else {
      t.strictSame(
        seen,
        [1, 2],
        'a SUBSCRIBED behind the position alone proves nothing: an old subscription may be left',
      );
      link.next('unsubscribe');
      t.match(link.next('subscribe'), { start: Start.POSITION, epoch: 'e', offset: 3 });
    }
  }
});

t.test('a topic that was forgotten and is there again: a gap, and on from its first record', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair, {}, 'a.*');
  const { requestId } = link.next('subscribe');
  link.say(subscribed(requestId, 'a.*', '', 0, 0), subscribed(requestId, 'a.b', 'e', 1, 0), messages('a.b', 1, 2));
  link.say(subscribed(requestId, 'a.b', 'f', 1, 1), messages('a.b', 1));
  await settle();
  t.strictSame(seen, [1, 2, 'EPOCH_CHANGED 1-0', 1]);
});

t.test('another epoch: a gap, and on from its first record', async (t) => {
  for (const declared of [true, false]) {
    const pair = new Pair();
    pair.welcome();
    const { seen, subscription } = reader(pair);
    grant(pair.link, 9, 8);
    pair.link.say(messages('a', 9));
    const link = pair.reconnect();
    grant(link, 1, 2, 'f');
    if (declared) link.say(gap('a', 'f', 1, 0, GapReason.EPOCH_CHANGED));
    link.say(messages('a', 1, 2));
    await settle();
    t.strictSame(seen, [9, 'EPOCH_CHANGED 1-0', 1, 2]);
    t.strictSame(subscription.position(), { epoch: 'f', offset: 3 });
  }
});

t.test('an epoch that changes in mid-connection', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen, subscription } = reader(pair);
  grant(link, 9, 8);
  link.say(messages('a', 9), gap('a', 'f', 1, 3, GapReason.EPOCH_CHANGED), messages('a', 4));
  await settle();
  t.strictSame(seen, [9, 'EPOCH_CHANGED 1-3', 4]);
  t.strictSame(subscription.position(), { epoch: 'f', offset: 5 });
});

t.test('that a history is new is told once, though a fetch of the topic was told of it, too', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair);
  grant(link, 9, 8);
  link.say(messages('a', 9), gap('a', 'f', 1, 0, GapReason.EPOCH_CHANGED));
  link.say(gap('a', 'f', 1, 2, GapReason.EPOCH_CHANGED), messages('a', 3));
  await settle();
  t.strictSame(seen, [9, 'EPOCH_CHANGED 1-0', 'EVICTED 1-2', 3]);
});

t.test('OFFSET_IN_FUTURE: the server lost its tail, which is another history, from its first record', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { seen } = reader(pair, { from: { epoch: 'e', offset: 50 } });
  link.say(refusal(link.next('subscribe').requestId, 'OFFSET_IN_FUTURE'));
  const { requestId, ...asked } = link.next('subscribe');
  t.match(asked, { topic: 'a', start: Start.EARLIEST });
  link.say(subscribed(requestId, 'a', 'e', 3, 4), messages('a', 3, 2));
  await settle();
  t.strictSame(seen, ['EPOCH_CHANGED 1-2', 3, 4]);
});

t.test('a pattern: each of its topics where it stands, and those that come up later from the beginning', async (t) => {
  const pair = new Pair();
  const first = pair.welcome();
  const { seen } = reader(pair, {}, 'a.*');
  const { requestId, ...fresh } = first.next('subscribe');
  t.match(fresh, { topic: 'a.*', start: Start.LATEST, positions: [] });
  first.say(subscribed(requestId, 'a.*', '', 0, 0), subscribed(requestId, 'a.1', 'e', 5, 4), messages('a.1', 5));
  first.say(subscribed(requestId, 'a.2', 'e', 1, 0), messages('a.2', 1), messages('a.3', 1));
  await settle();
  t.strictSame(seen, [5, 1]);
  const link = pair.reconnect();
  const again = link.next('subscribe');
  t.match(again, { topic: 'a.*', start: Start.EARLIEST });
  t.same(again.positions, [
    { topic: 'a.1', epoch: 'e', offset: 6 },
    { topic: 'a.2', epoch: 'e', offset: 2 },
  ]);
  // The server has lost the tail of a.1 and goes on at its head.
  link.say(subscribed(again.requestId, 'a.*', '', 0, 0), refusal(again.requestId, 'OFFSET_IN_FUTURE'));
  link.say(subscribed(again.requestId, 'a.1', 'e', 3, 2), messages('a.1', 3));
  link.say(subscribed(again.requestId, 'a.2', 'e', 2, 1), messages('a.2', 2));
  await settle();
  t.strictSame(seen.slice(2), ['EPOCH_CHANGED 1-2', 3, 2]);
});

t.test('positions that do not fit into a SUBSCRIBE are left out, and what comes again is skipped', async (t) => {
  const pair = new Pair();
  const first = pair.welcome(3_000);
  const { seen } = reader(pair, {}, 'a.*');
  const { requestId } = first.next('subscribe');
  first.say(subscribed(requestId, 'a.*', '', 0, 0));
  for (let i = 0; i < 100; i++) {
    first.say(subscribed(requestId, `a.${i}`, 'e', 5, 4), messages(`a.${i}`, 5));
  }
  first.cut();
  pair.time.advance(10_000);
  const link = pair.welcome(3_000);
  const again = link.next('subscribe');
  t.ok(again.positions.length > 30 && again.positions.length < 100);
  const left = again.positions.length;
  link.say(subscribed(again.requestId, `a.${left}`, 'e', 1, 6), messages(`a.${left}`, 1, 6));
  await settle();
  t.strictSame(seen.slice(100), [6]);
});

t.test('patterns share the positions that a server keeps', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const positions = Array.from({ length: POSITIONS_MAX + 1 }, (_, i) => ({ topic: `a.${i}`, epoch: 'e', offset: 5 }));
  pair.client.subscribe('a.*', { from: { positions } });
  t.equal(link.next('subscribe').positions.length, POSITIONS_MAX);
  pair.client.subscribe('*.1', { from: { positions } });
  t.equal(link.next('subscribe').positions.length, POSITIONS_MAX / 2);
  link.cut();
  pair.time.advance(10_000);
  const again = pair.welcome();
  t.same(
    [again.next('subscribe'), again.next('subscribe')].map((asked) => asked.positions.length),
    [POSITIONS_MAX / 2, POSITIONS_MAX / 2],
  );
});

t.test('two subscriptions that cover one topic are sent it once, and both have it', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const exact = reader(pair, {}, 'a.1');
  grant(link, 5, 4);
  link.say(messages('a.1', 5));
  const pattern = reader(pair, {}, 'a.*');
  const { requestId } = link.next('subscribe');
  // Control frames overtake data: 6 is on its way when this is said.
  link.say(subscribed(requestId, 'a.*', '', 0, 0), subscribed(requestId, 'a.1', 'e', 7, 6), messages('a.1', 6, 2));
  await settle();
  t.strictSame(
    [exact.seen, pattern.seen],
    [
      [5, 6, 7],
      [6, 7],
    ],
  );
  await exact.subscription.return();
  link.say(messages('a.1', 8));
  await settle();
  t.strictSame(
    [exact.seen, pattern.seen],
    [
      [5, 6, 7, 'end'],
      [6, 7, 8],
    ],
  );
});

t.test('those that know where they stand are asked for first: by name, then patterns that go on', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  reader(pair, {}, 'a.*');
  const { requestId } = link.next('subscribe');
  link.say(subscribed(requestId, 'a.*', '', 0, 0));
  link.cut();
  reader(pair, {}, '*.1');
  reader(pair, {}, 'a.1');
  const again = pair.reconnect();
  t.same(
    [again.next('subscribe').topic, again.next('subscribe').topic, again.next('subscribe').topic],
    ['a.1', 'a.*', '*.1'],
  );
});

t.test('one whose answer would have said where another begins is ended: the other asks again', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const pattern = reader(pair, { from: { positions: [{ topic: 'a.1', epoch: 'e', offset: 5 }] } }, 'a.*');
  const exact = reader(pair, { from: { epoch: 'e', offset: 5 } }, 'a.1');
  const asked = [link.next('subscribe'), link.next('subscribe')] as const;
  await exact.subscription.return();
  // Both answers are under way: the first is to nobody any more, and the second one says where the first has come to.
  link.say(subscribed(asked[1].requestId, 'a.1', 'e', 5, 6), messages('a.1', 5, 2));
  link.say(subscribed(asked[0].requestId, 'a.*', '', 0, 0), subscribed(asked[0].requestId, 'a.1', 'e', 7, 6));
  t.match([link.next('unsubscribe'), link.next('unsubscribe')], [{ topic: 'a.1' }, { topic: 'a.*' }]);
  const { requestId, positions } = link.next('subscribe');
  t.same(positions, [{ topic: 'a.1', epoch: 'e', offset: 5 }]);
  link.say(subscribed(requestId, 'a.1', 'e', 5, 6), messages('a.1', 5, 2));
  await settle();
  t.strictSame(pattern.seen, [5, 6]);
});

t.test('a refusal ends the subscription; one that may be retried costs the link instead', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const bad = pair.client.subscribe('a b');
  const ready = bad.ready();
  link.say(refusal(link.next('subscribe').requestId, 'BAD_TOPIC'));
  await t.rejects(ready, { code: 'REFUSED', reason: 'BAD_TOPIC' });
  await t.rejects(bad.next(), { code: 'REFUSED', reason: 'BAD_TOPIC' });
  t.same(await bad.next(), { done: true, value: undefined }, 'an error is thrown once');
  const { seen } = reader(pair);
  link.say(refusal(link.next('subscribe').requestId, 'RATE_LIMITED'));
  link.next('close');
  pair.time.advance(1_000);
  const next = pair.welcome();
  grant(next);
  next.say(messages('a', 1));
  await settle();
  t.strictSame(seen, [1]);
});

t.test('K3 the application reads slowly for minutes: memory bounded, link alive, nothing lost', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const subscription = pair.client.subscribe('a', { bufferRecords: 10, from: 'earliest' });
  grant(link, 1, 1_000);
  let sent = 0;
  let taken = 0;
  let received = 0;
  for (let minute = 0; minute < 10; minute++) {
    while (link.reading === 'yes') {
      sent += 1;
      link.say(messages('a', sent * 4 - 3, 4));
      pair.time.run();
      received = sent * 4;
      t.ok(received - taken <= 10 + 4, 'one batch may stand over');
    }
    pair.time.advance(60_000);
    t.equal(link.all().filter(({ type }) => type === 'ping').length, 12, 'one PING an interval');
    while (link.reading === 'paused') {
      taken += 1;
      t.match(await subscription.next(), { value: { offset: taken } });
      pair.time.run();
    }
    t.equal(received - taken, 5, 'half of it is free');
  }
  t.equal(pair.links.length, 1);
});

t.test('K3 bytes count as well as records, and a slow reader that leaves frees the link', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const slow = pair.client.subscribe('a', { bufferBytes: 1_000 });
  grant(link);
  const { seen } = reader(pair, {}, 'b');
  grant(link);
  link.say({ ...messages('a', 1), records: [record('x'.repeat(1_000))] } as Frame);
  t.equal(link.reading, 'paused');
  link.say(messages('b', 1));
  await settle();
  t.strictSame(seen, [], 'it holds up the others');
  await slow.return();
  pair.time.run();
  t.equal(link.reading, 'yes');
  await settle();
  t.strictSame(seen, [1]);
});

t.test('K3 keys, ids and headers are memory, too', async (t) => {
  const long = 'x'.repeat(1_000);
  for (const part of [{ key: long }, { id: Buffer.alloc(64) }, { headers: new Map([['h', long]]) }]) {
    const pair = new Pair();
    const link = pair.welcome();
    pair.client.subscribe('a', { bufferBytes: 64 });
    grant(link);
    link.say({ ...messages('a', 1), records: [{ ...record(''), ...part }] } as Frame);
    t.equal(link.reading, 'paused');
  }
});

t.test('K3 what is full stays full over a reconnect, and goes on behind it', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const subscription = pair.client.subscribe('a', { bufferRecords: 2 });
  grant(pair.link);
  pair.link.say(messages('a', 1, 2));
  t.equal(pair.link.reading, 'paused');
  const link = pair.reconnect();
  t.strictSame([link.reading, link.all()], ['yes', []], 'there is nothing to hold');
  t.match(await subscription.next(), { value: { offset: 1 } });
  grant(link, 3, 4);
  link.say(messages('a', 3, 2));
  for (const offset of [2, 3, 4]) {
    t.match(await subscription.next(), { value: { offset } });
    pair.time.run();
  }
});

t.test('thousands of frames at once are taken in turns, in order', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const subscription = pair.client.subscribe('a', { bufferRecords: 10_000 });
  grant(link);
  link.say(...Array.from({ length: 2_000 }, (_, i) => messages('a', i + 1)));
  t.equal(link.reading, 'paused', 'others have their turn');
  pair.time.run();
  t.equal(link.reading, 'yes');
  const offsets = await take(subscription, 2_000);
  t.strictSame(
    offsets,
    offsets.map((_, i) => i + 1),
  );
});

async function take(subscription: Subscription, count: number): Promise<number[]> {
  const offsets: number[] = [];
  for await (const event of subscription) {
    if (event.type === 'message') offsets.push(event.offset);
    if (offsets.length === count) break;
  }
  return offsets;
}
