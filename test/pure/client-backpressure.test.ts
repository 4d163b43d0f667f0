import t from 'tap';
import { overlap } from '../../src/client/overlap.js';
import { CODES, type Frame, GapReason, Start, type Subscribe } from '../../src/wire/index.js';
import { collect, type FakeLink, messages, Pair, settle, subscribed } from './client-pair.js';

/** A server of topics that have been filled before: it sends all that there is at once, ahead of any later answer. */
class Script {
  readonly asked: Frame['type'][] = [];
  #link: FakeLink;
  readonly #heads: { readonly [topic: string]: number };
  readonly #live = new Set<string>();
  published = 0;

  constructor(link: FakeLink, heads: { readonly [topic: string]: number }) {
    this.#link = link;
    this.#heads = heads;
  }

  /** The client has another link. */
  moved(link: FakeLink): void {
    this.#link = link;
    this.#live.clear();
  }

  answer(): void {
    for (const frame of this.#link.all()) {
      this.asked.push(frame.type);
      const { requestId = 0, topic = '' } = frame as { requestId?: number; topic?: string };
      const head = this.#heads[topic] ?? 0;
      if (frame.type === 'ping') this.#link.say({ ...frame, type: 'pong' });
      if (frame.type === 'subscribe') this.#subscribe(frame, head);
      if (frame.type === 'unsubscribe') {
        if (!this.#live.delete(topic)) throw new Error(`${topic} is not subscribed to`);
        this.#link.say({ type: 'unsubscribed', requestId, topic });
      }
      if (frame.type === 'publish') {
        this.#link.say({ type: 'ack', requestId, epoch: 'e', baseOffset: this.published + 1, results: [] });
        this.published += frame.records.length;
      }
      if (frame.type === 'fetch')
        this.#link.say({ type: 'fetched', requestId, epoch: 'e', nextOffset: 1, more: false });
    }
  }

  #subscribe({ requestId, topic, start, offset }: Subscribe, head: number): void {
    if (this.#live.has(topic)) throw new Error(`${topic} is subscribed to twice`);
    this.#live.add(topic);
    const first = start === Start.POSITION ? offset : 1;
    this.#link.say(subscribed(requestId, topic, 'e', first, head));
    for (let i = first; i <= head; i++) this.#link.say(messages(topic, i));
  }

  /** Lets so many seconds pass. */
  pass(pair: Pair, seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.answer();
      pair.time.advance(1_000);
    }
  }

  /** Lets the world go on until the promise is settled, for so many milliseconds at the most. */
  async until<T>(pair: Pair, promise: Promise<T>, msMax = 5_000): Promise<T> {
    const over: unknown[] = [];
    const note = () => over.push(promise);
    promise.then(note, note);
    for (let ms = 0; ms < msMax; ms++) {
      this.answer();
      pair.time.advance(1);
      await settle();
      if (over.length > 0) return promise;
    }
    throw new Error('it waits for ever');
  }
}

t.test('K3 a loop that publishes what it reads gets to the end, once and in order', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { in: 200 });
  const seen: number[] = [];
  const loop = async () => {
    for await (const event of pair.client.subscribe('in', { from: 'earliest', bufferRecords: 10 })) {
      if (event.type !== 'message') throw new Error('a gap');
      await pair.client.publish('out', event.data);
      seen.push(event.offset);
      if (event.offset === 200) return;
    }
  };
  await script.until(pair, loop());
  t.strictSame(
    seen,
    seen.map((_, i) => i + 1),
  );
  t.equal(script.published, 200);
  t.equal(pair.links.length, 1);
  const changes = script.asked.filter((type) => type === 'subscribe' || type === 'unsubscribe').length;
  t.ok(changes <= 2 * (200 / 5) + 2, 'a subscription is resumed when half of its buffer is free, and not before');
});

t.test('K3 a fetch is answered beside a subscription that is not read, and nothing is resumed meanwhile', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { a: 50 });
  const subscription = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 10 });
  await script.until(pair, subscription.ready());
  script.pass(pair, 60);
  t.strictSame(
    [pair.link.reading, script.asked.includes('unsubscribe')],
    ['paused', false],
    'nobody waits: it is held',
  );
  t.match(await script.until(pair, pair.client.fetch('b')), { events: [], next: { offset: 1 } });
  t.equal(pair.link.reading, 'yes');
  script.pass(pair, 60);
  t.equal(script.asked.filter((type) => type === 'subscribe').length, 1);
  for (let offset = 1; offset <= 50; offset++) {
    t.match(await script.until(pair, subscription.next()), { value: { type: 'message', offset } });
  }
});

t.test('K3 a second subscription is granted, and goes on, while the first is not read for a long time', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { a: 50, b: 30 });
  const first = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 10 });
  await script.until(pair, first.ready());
  const second = pair.client.subscribe('b', { from: 'earliest', bufferRecords: 4 });
  await script.until(pair, second.ready());
  const seen = collect(second);
  for (let minute = 0; minute < 10; minute++) await script.until(pair, pair.client.publish('out', 'x'));
  script.pass(pair, 600);
  t.strictSame(
    seen,
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  pair.link.say(messages('b', 31));
  await settle();
  t.equal(seen.at(-1), 31);
  t.equal(pair.links.length, 1);
});

t.test('K3 a reader that waits is enough for the one that is full to be parked', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const script = new Script(link, { a: 3 });
  const waiting = pair.client.subscribe('b');
  const full = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 2 });
  script.answer();
  t.equal(link.reading, 'paused');
  pair.time.advance(19);
  const next = waiting.next();
  pair.time.advance(19);
  t.equal(link.reading, 'paused', 'it has waited for a moment only');
  pair.time.advance(1);
  t.equal(link.reading, 'yes');
  t.match(link.next('unsubscribe'), { topic: 'a' });
  link.say(messages('b', 1));
  t.match(await next, { value: { topic: 'b', offset: 1 } });
  await full.return();
  t.strictSame(link.all(), [], 'what is parked need not be unsubscribed from');
});

t.test('K3 one that has room again in time is never parked', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const script = new Script(link, { a: 2 });
  const full = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 2 });
  script.answer();
  t.equal(link.reading, 'paused');
  const published = pair.client.publish('out', 'x');
  pair.time.advance(10);
  t.match(await full.next(), { value: { offset: 1 } });
  script.answer();
  pair.time.advance(1_000);
  await published;
  t.strictSame(script.asked, ['subscribe', 'publish']);
});

t.test('K3 parked, cut, and back: it is not asked for before it has room, and goes on where it stands', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { a: 9 });
  const subscription = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 4 });
  await script.until(pair, subscription.ready());
  await script.until(pair, pair.client.publish('out', 'x'));
  const link = pair.reconnect();
  script.moved(link);
  t.strictSame(link.sent, []);
  t.match(await subscription.next(), { value: { offset: 1 } });
  t.strictSame(link.sent, []);
  t.match(await subscription.next(), { value: { offset: 2 } });
  t.match(link.sent, [{ type: 'subscribe', topic: 'a', start: Start.POSITION, epoch: 'e', offset: 5 }]);
  for (let offset = 3; offset <= 9; offset++) {
    t.match(await script.until(pair, subscription.next()), { value: { offset } });
  }
});

t.test('K3 where an exact one and a pattern overlap they are parked and resumed together', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const exact = pair.client.subscribe('a.1', { from: 'earliest', bufferRecords: 2 });
  link.say(subscribed(link.next('subscribe').requestId, 'a.1', 'e', 1, 9));
  const pattern = pair.client.subscribe('a.*', { from: 'earliest' });
  const { requestId } = link.next('subscribe');
  link.say(subscribed(requestId, 'a.*', '', 0, 0), subscribed(requestId, 'a.1', 'e', 1, 9));
  link.say(subscribed(requestId, 'a.2', 'e', 1, 1), messages('a.2', 1));
  pair.client.subscribe('b');
  link.say(subscribed(link.next('subscribe').requestId, 'b', 'e', 1, 0));
  const seen = collect(pattern);
  link.say(messages('a.1', 1, 2), messages('a.1', 3), messages('a.2', 2));
  const published = pair.client.publish('out', 'x');
  pair.time.run();
  const publish = link.next('publish');
  pair.time.advance(20);
  t.match(link.all(), [{ topic: 'a.1' }, { topic: 'a.*' }], 'and not b');
  link.say({ type: 'ack', requestId: publish.requestId, epoch: 'e', baseOffset: 1, results: [] });
  await published;
  // A third one that overlaps waits for them as well.
  pair.client.subscribe('*.1');
  t.strictSame(link.all(), []);
  t.match([await exact.next(), await exact.next()], [{ value: { offset: 1 } }, { value: { offset: 2 } }]);
  const asked = [link.next('subscribe'), link.next('subscribe'), link.next('subscribe')] as const;
  t.match(asked[0], { topic: 'a.1', start: Start.POSITION, offset: 3 });
  t.match(asked[1], { topic: 'a.*', start: Start.EARLIEST });
  t.same(asked[1].positions, [
    { topic: 'a.1', epoch: 'e', offset: 3 },
    { topic: 'a.2', epoch: 'e', offset: 2 },
  ]);
  t.match(asked[2], { topic: '*.1' });
  link.say(subscribed(asked[0].requestId, 'a.1', 'e', 3, 9));
  link.say(subscribed(asked[1].requestId, 'a.*', '', 0, 0), subscribed(asked[1].requestId, 'a.1', 'e', 3, 9));
  link.say(subscribed(asked[1].requestId, 'a.2', 'e', 2, 2), messages('a.1', 3), messages('a.2', 2));
  t.match(await exact.next(), { value: { offset: 3 } });
  await settle();
  t.strictSame(seen, [1, 1, 2, 3, 2], 'each once, in the order of its topic');
});

t.test('K3 what is evicted while a subscription is parked is a gap', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const subscription = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 2 });
  link.say(subscribed(link.next('subscribe').requestId, 'a', 'e', 1, 3), messages('a', 1, 2), messages('a', 3));
  const fetched = pair.client.fetch('b');
  const fetch = link.next('fetch');
  pair.time.advance(20);
  link.next('unsubscribe');
  link.say({ type: 'fetched', requestId: fetch.requestId, epoch: 'f', nextOffset: 1, more: false });
  await fetched;
  const seen = collect(subscription);
  await settle();
  const { requestId, ...asked } = link.next('subscribe');
  t.match(asked, { start: Start.POSITION, epoch: 'e', offset: 3 });
  link.say(subscribed(requestId, 'a', 'e', 7, 8));
  link.say({ type: 'gap', topic: 'a', epoch: 'e', fromOffset: 3, toOffset: 6, reason: GapReason.EVICTED });
  link.say(messages('a', 7));
  await settle();
  t.strictSame(seen, [1, 2, 'EVICTED 3-6', 7]);
});

t.test('K3 subscriptions are parked no faster than a server lets them change', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const pattern = pair.client.subscribe('a.*', { bufferRecords: 1 });
  for (let i = 0; i < 100; i++) pair.client.subscribe(`a.${i}`);
  const times: number[] = [];
  let offset = 0;
  for (let ms = 0; ms < 10_000; ms += 5) {
    void pair.client.publish('out', 'x');
    pair.time.advance(5);
    const asked = link.all();
    for (const frame of asked) {
      if (frame.type === 'ping') link.say({ ...frame, type: 'pong' });
      if (frame.type === 'unsubscribe' && frame.topic === 'a.*') await pattern.next();
      if (frame.type !== 'subscribe' || frame.topic !== 'a.*') continue;
      link.say(subscribed(frame.requestId, 'a.*', '', 0, 0));
      link.say(subscribed(frame.requestId, 'a.new', 'e', offset + 1, offset));
      offset += 1;
      link.say(messages('a.new', offset));
    }
    for (const { type } of asked) if (type === 'subscribe' || type === 'unsubscribe') times.push(pair.time.nowMs);
  }
  const perSecond = Math.max(...times.map((at) => times.filter((other) => other >= at && other < at + 1_000).length));
  t.ok(offset > 5 && perSecond < 1_000, `${offset} times, at most ${perSecond} changes in a second`);
  t.equal(pair.links.length, 1);
});

t.test('K3 the client can be closed while one is full, and what is pending is acknowledged', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { a: 9 });
  const subscription = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 2 });
  await script.until(pair, subscription.ready());
  const published = pair.client.publish('out', 'x');
  pair.time.run();
  const closed = pair.client.close();
  t.match(await script.until(pair, published, 10), { offset: 1 });
  pair.link.cut();
  await script.until(pair, closed);
  t.equal(pair.timers, 0);
});

t.test('K3 a server that says there are too many changes costs the link, and nothing else', async (t) => {
  const pair = new Pair();
  const script = new Script(pair.welcome(), { a: 5 });
  const subscription = pair.client.subscribe('a', { from: 'earliest', bufferRecords: 2 });
  await script.until(pair, subscription.ready());
  await script.until(pair, pair.client.publish('out', 'x'));
  script.answer();
  await subscription.next();
  const { requestId } = pair.link.next('subscribe');
  pair.link.say({ type: 'error', requestId, code: CODES.RATE_LIMITED.code, message: 'too fast' });
  pair.link.next('close');
  pair.time.advance(1_000);
  script.moved(pair.welcome());
  for (const offset of [2, 3, 4, 5]) t.match(await script.until(pair, subscription.next()), { value: { offset } });
});

t.test('names overlap where there can be a topic that both cover', async (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', '*.b', true],
    ['a.*', 'b.*', false],
    ['a.*', 'a.b.c', false],
    ['>', 'a', true],
    ['a.>', 'a', false],
    ['a.>', 'a.b.c', true],
    ['a.>', '*.*.c', true],
    ['a.>', '>', true],
    ['a.b.>', 'a.*', false],
    ['*', '*.*', false],
  ];
  for (const [one, other, expected] of cases) {
    t.equal(overlap(one, other), expected, `${one} ${other}`);
    t.equal(overlap(other, one), expected, `${other} ${one}`);
  }
});
