import { getEventListeners } from 'node:events';
import t from 'tap';
import { CODES, type Frame, frameBytes, type Publish } from '../../src/wire/index.js';
import { code, type FakeLink, Pair, settle, subscribed } from './client-pair.js';

const texts = ({ records }: Publish): string[] => records.map(({ data }) => Buffer.from(data).toString());
const ids = ({ records }: Publish): string[] => records.map(({ id }) => Buffer.from(id).toString());
const ack = (
  { requestId }: Publish,
  baseOffset: number,
  results: { offset: number; duplicate: boolean }[] = [],
): Frame => ({
  type: 'ack',
  requestId,
  epoch: 'e',
  baseOffset,
  results,
});

/** Lets the turn end, and takes what was published in it. */
async function published(pair: Pair, link: FakeLink = pair.link): Promise<Publish[]> {
  await settle();
  pair.time.run();
  return link.all().filter((frame) => frame.type === 'publish');
}

t.test('what is published in one turn to one topic is one batch, in order, with ids of its own', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const first = pair.client.publish('a', '1');
  const other = pair.client.publish('b', 'x');
  const second = pair.client.publish('a', [{ data: '2', key: 'k', headers: { h: 'v' }, id: 'mine' }, Buffer.from('3')]);
  const [a, b, ...rest] = await published(pair);
  t.same(rest, []);
  t.strictSame([a?.topic, texts(a as Publish)], ['a', ['1', '2', '3']]);
  t.match(a?.records[1], { key: 'k', headers: new Map([['h', 'v']]), id: Buffer.from('mine') });
  const made = [...ids(a as Publish), ...ids(b as Publish)];
  t.equal(new Set(made).size, 4);
  t.ok(made.every((id) => id.length > 0 && id.length <= 64));
  pair.link.say(ack(b as Publish, 9), ack(a as Publish, 4));
  t.strictSame(await other, { epoch: 'e', offset: 9, duplicate: false });
  t.strictSame(await first, { epoch: 'e', offset: 4, duplicate: false });
  t.strictSame(await second, [
    { epoch: 'e', offset: 5, duplicate: false },
    { epoch: 'e', offset: 6, duplicate: false },
  ]);
  const next = pair.client.publish('a', '4');
  const [later] = await published(pair);
  pair.link.say(ack(later as Publish, 3, [{ offset: 3, duplicate: true }]));
  t.strictSame(await next, { epoch: 'e', offset: 3, duplicate: true });
});

t.test('a batch holds 4,096 records and one payload at the most; nothing is mixed up', async (t) => {
  const pair = new Pair();
  pair.welcome(64_000);
  const all = Array.from({ length: 10_000 }, (_, i) => `${i}`);
  const many = pair.client.publish('a', all);
  const large = pair.client.publish(
    'b',
    Array.from({ length: 30 }, () => 'x'.repeat(10_000)),
  );
  const batches = await published(pair);
  t.ok(batches.every((batch) => batch.records.length <= 4_096 && frameBytes(batch) - 8 <= 64_000));
  t.strictSame(batches.filter(({ topic }) => topic === 'a').flatMap(texts), all);
  t.ok(batches.filter(({ topic }) => topic === 'b').length < 8, 'and they are as full as they can be');
  let offset = 1;
  for (const batch of batches) {
    pair.link.say(ack(batch, batch.topic === 'a' ? offset : 1));
    offset += batch.topic === 'a' ? batch.records.length : 0;
  }
  t.strictSame(
    (await many).map((result) => result.offset),
    all.map((_, i) => i + 1),
  );
  t.equal((await large).length, 30);
});

t.test('a record over the limit is refused here, and told how much is allowed', async (t) => {
  const pair = new Pair();
  const early = pair.client.publish('a', 'x'.repeat(1_100));
  const good = pair.client.publish('a', 'y');
  await settle();
  pair.welcome(1_000);
  await t.rejects(early, { code: 'PAYLOAD_TOO_LARGE', message: /1000/ });
  const [batch] = await published(pair);
  t.strictSame(texts(batch as Publish), ['y'], 'those beside it are sent');
  pair.link.say(ack(batch as Publish, 1));
  await good;
  const overhead =
    frameBytes({ type: 'publish', requestId: 2 ** 32 - 1, topic: 'a', records: [...(batch as Publish).records] }) - 8;
  t.equal(await code(pair.client.publish('a', 'x'.repeat(1_000 - overhead + 10))), 'PAYLOAD_TOO_LARGE');
  const fits = pair.client.publish('a', 'x'.repeat(1_000 - overhead - 5));
  const [full] = await published(pair);
  t.ok(full);
  pair.link.say(ack(full as Publish, 2));
  await fits;
});

t.test('what waits is bounded in records and in bytes; past that it is refused at once', async (t) => {
  const pair = new Pair({ maxPendingRecords: 3, maxPendingBytes: 10_000 });
  const taken = [pair.client.publish('a', ['1', '2']), pair.client.publish('a', '3')];
  await settle();
  await t.rejects(pair.client.publish('a', '4'), { code: 'PUBLISH_BUFFER_FULL', retryable: true });
  t.equal(pair.client.pending, 3);
  pair.welcome();
  for (const batch of await published(pair)) pair.link.say(ack(batch, 1));
  await Promise.all(taken);
  t.equal(pair.client.pending, 0);
  await t.rejects(pair.client.publish('a', 'x'.repeat(10_001)), { code: 'PUBLISH_BUFFER_FULL' });
  pair.client.publish('a', 'x'.repeat(9_000));
  t.equal((await published(pair)).length, 1, 'what was acknowledged does not count any more');
});

t.test('while the link is full nothing more is handed to it, and batches grow', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  link.pending = 1 << 20;
  const publishes = ['1', '2'].map((data) => pair.client.publish('a', data));
  t.same(await published(pair), []);
  publishes.push(pair.client.publish('a', '3'));
  t.same(await published(pair), []);
  link.pending = 0;
  link.events.drained();
  const [batch, ...rest] = await published(pair);
  t.strictSame([texts(batch as Publish), rest], [['1', '2', '3'], []]);
  link.say(ack(batch as Publish, 1));
  await Promise.all(publishes);
});

t.test('K2 cut in mid-publish: sent again with the same ids, in order, ahead of what is new', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const publishes: Promise<{ offset: number }>[] = [];
  const publish = (topic: string, data: string) => publishes.push(pair.client.publish(topic, data));
  publish('a', '1');
  const [acked] = await published(pair);
  publish('a', '2');
  publish('b', 'x');
  const [second, x] = await published(pair);
  publish('a', '3');
  const [third] = await published(pair);
  pair.link.say(ack(acked as Publish, 1));
  publish('a', '4');
  await settle();
  const link = pair.reconnect();
  publish('a', '5');
  const again = [...(await published(pair, link))];
  const a = again.filter(({ topic }) => topic === 'a');
  t.strictSame(a.flatMap(texts), ['2', '3', '4', '5']);
  t.strictSame(
    a.flatMap(ids).slice(0, 2),
    [second, third].flatMap((batch) => ids(batch as Publish)),
  );
  t.strictSame(again.filter(({ topic }) => topic === 'b').flatMap(ids), ids(x as Publish));
  t.ok(
    again.every(({ requestId }) => ![second, third, x].some((old) => old?.requestId === requestId)),
    'a late answer to the old request is nobody’s',
  );
  let offset = 2;
  for (const batch of again) {
    const results = batch.records.map(() => ({ offset: offset++, duplicate: offset < 5 }));
    link.say(ack(batch, (results[0] as { offset: number }).offset, results));
  }
  t.equal((await Promise.all(publishes)).length, 6, 'all settle');
  t.equal(pair.client.pending, 0);
});

t.test('K2 a batch that the new server would not take whole is split', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const publish = pair.client.publish('a', ['1'.repeat(600), '2'.repeat(600), '3'.repeat(1_500)]);
  const failed = code(publish);
  t.equal((await published(pair)).length, 1);
  pair.link.cut();
  pair.time.advance(10_000);
  const link = pair.welcome(1_000);
  t.strictSame(
    (await published(pair, link)).map((batch) => texts(batch).map((data) => data[0])),
    [['1'], ['2']],
  );
  t.equal(await failed, 'PAYLOAD_TOO_LARGE');
});

t.test('a damaged frame may have been an ACK: what is not acknowledged is sent again', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const publish = pair.client.publish('a', '1');
  const [first] = await published(pair);
  const bytes = Buffer.from('00000002ffff00000000', 'hex');
  link.bytes(bytes);
  const [again] = await published(pair);
  t.strictSame(ids(again as Publish), ids(first as Publish));
  link.say(ack(again as Publish, 1, [{ offset: 1, duplicate: true }]));
  t.match(await publish, { offset: 1 });
  t.equal(pair.links.length, 1, 'on the same link');
});

t.test('what was asked before a damaged frame is asked again, and not waited for twice', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  pair.client.subscribe('a');
  const publish = pair.client.publish('b', '1');
  await published(pair);
  link.bytes(Buffer.from('00000002ffff00000000', 'hex'));
  await settle();
  pair.time.run();
  for (const frame of link.all()) {
    if (frame.type === 'publish') link.say(ack(frame, 1));
    else if (frame.type === 'subscribe') link.say(subscribed(frame.requestId, 'a', 'e', 1, 0));
    else if (frame.type === 'unsubscribe') link.say({ type: 'unsubscribed', requestId: frame.requestId, topic: 'a' });
  }
  await publish;
  for (let i = 0; i < 20; i++) {
    pair.time.advance(3_000);
    link.say({ type: 'pong', nonce: 0n, sentUs: 0n });
  }
  t.notOk(
    link.all().some(({ type }) => type === 'close'),
    'the link is a good one',
  );
});

t.test('what cannot be encoded fails by itself, and nothing else', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const headers = new Map([['h', 'v']]);
  const bad = code(pair.client.publish('a', { data: 'x', headers }));
  const good = pair.client.publish('b', 'y');
  await settle();
  // It must not be changed before it has settled; who does so all the same, harms no other.
  for (let i = 0; i < 1_024; i++) headers.set(`${i}`, '');
  const [batch, ...others] = await published(pair);
  t.strictSame([batch?.topic, others], ['b', []]);
  link.say(ack(batch as Publish, 1));
  await good;
  t.equal(await bad, 'REFUSED');
  t.strictSame([pair.client.pending, pair.links.length], [0, 1]);
});

t.test('an ERROR fails its batch and nothing else', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const bad = pair.client.publish('a', ['1', '2']);
  const good = pair.client.publish('b', 'x');
  const [a, b] = await published(pair);
  link.say({
    type: 'error',
    requestId: (a as Publish).requestId,
    code: CODES.STORE_UNAVAILABLE.code,
    message: 'no disk',
  });
  link.say(ack(b as Publish, 1));
  await t.rejects(bad, { code: 'REFUSED', reason: 'STORE_UNAVAILABLE', retryable: true, message: 'no disk' });
  t.match(await good, { offset: 1 });
  t.equal(pair.client.pending, 0);
});

t.test('K4 a publish that is given up is not sent, or at least not sent again', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const early = new AbortController();
  const late = new AbortController();
  const unsent = code(pair.client.publish('a', '1', { signal: early.signal }));
  const kept = pair.client.publish('a', '2');
  await settle();
  early.abort();
  t.equal(await unsent, 'ABORTED');
  const sent = code(pair.client.publish('a', '3', { signal: late.signal }));
  const [batch] = await published(pair);
  t.strictSame(texts(batch as Publish), ['2', '3']);
  late.abort();
  t.equal(await sent, 'ABORTED');
  const [again] = await published(pair, pair.reconnect());
  t.strictSame(texts(again as Publish), ['2']);
  pair.link.say(ack(again as Publish, 1));
  await kept;
  t.equal(pair.client.pending, 0);
});

t.test('K4 thousands of publishes share a signal: one listener, and all are given up, those alone', async (t) => {
  const pair = new Pair();
  const controller = new AbortController();
  const { signal } = controller;
  const given = Array.from({ length: 10_000 }, (_, i) => code(pair.client.publish(`${i % 2}`, `${i}`, { signal })));
  const kept = [pair.client.publish('0', 'kept'), pair.client.publish('1', 'kept')];
  await settle();
  t.equal(getEventListeners(signal, 'abort').length, 1);
  controller.abort();
  t.strictSame(new Set(await Promise.all(given)), new Set(['ABORTED']));
  t.equal(getEventListeners(signal, 'abort').length, 0);
  t.equal(pair.client.pending, 2);
  pair.welcome();
  const batches = await published(pair);
  t.strictSame(batches.map(texts), [['kept'], ['kept']]);
  for (const batch of batches) pair.link.say(ack(batch, 1));
  await Promise.all(kept);
});

t.test('K4 what an abort does may settle others of the same signal, which are not told twice', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const pair = new Pair({ signal });
  const publish = code(pair.client.publish('a', 'x', { signal }));
  const ready = code(pair.client.ready(signal));
  await settle();
  controller.abort();
  pair.time.advance(0);
  t.strictSame([await publish, await ready, pair.client.pending], ['ABORTED', 'ABORTED', 0]);
  t.equal(getEventListeners(signal, 'abort').length, 0);
});
