import { getEventListeners } from 'node:events';
import t from 'tap';
import { realWorld } from '../../src/client/real-world.js';
import { CODES, GapReason } from '../../src/wire/index.js';
import { close, code, collect, messages, Pair, settle, welcome } from './client-pair.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

t.test('HELLO says who comes, how often it tried, and whether it was here before', async (t) => {
  const pair = new Pair({ name: 'me' });
  t.equal(pair.link.endpoint, 'daemon:9000');
  pair.time.advance(7.4);
  pair.link.events.connected();
  const hello = pair.link.next('hello');
  t.match(hello, { version: 1, client: 'me', token: '', connectMs: 7, attempt: 0, resuming: false });
  t.strictSame(pair.link.all(), [], 'nothing is sent before WELCOME');
  pair.link.say(welcome());
  await pair.client.ready();
  pair.link.cut();
  while (pair.links.length === 1) pair.time.advance(1);
  pair.link.events.connected();
  t.match(pair.link.next('hello'), { connectMs: 1, attempt: 1, resuming: true });
});

t.test('the status tells what happens to the link', async (t) => {
  const pair = new Pair();
  const seen: object[] = [];
  const status = pair.client.status();
  (async () => {
    for await (const event of status) seen.push(event);
    seen.push({ type: 'end' });
  })();
  pair.welcome();
  pair.link.say(close(CODES.BUSY.code, true, 1_234));
  await settle();
  t.match(seen, [
    { type: 'connecting', endpoint: 'daemon:9000', attempt: 0 },
    { type: 'connected', endpoint: 'daemon:9000', connectionId: 'c1', server: 'fake', resumed: false },
    { type: 'disconnected', cause: 'BUSY', reason: 'because', retryInMs: 1_234 },
  ]);
  const closed = pair.client.close();
  pair.link.cut();
  await closed;
  await settle();
  t.match(seen.slice(3), [{ type: 'closed', error: undefined }, { type: 'end' }]);
  t.equal((await pair.client.status().next()).value?.type, 'closed', 'a late reader is told how it is');
});

t.test('K5 a retry_after_ms is the least that is waited, and the endpoint named is dialled next', async (t) => {
  const pair = new Pair({ servers: ['one:1', 'two:2'] });
  pair.welcome().say(close(CODES.DRAINING.code, true, 3_000, 'three:3'));
  pair.time.advance(2_999);
  t.equal(pair.links.length, 1);
  pair.time.advance(1);
  t.equal(pair.link.endpoint, 'three:3');
  pair.link.cut('ECONNREFUSED');
  pair.time.advance(10_000);
  t.equal(pair.link.endpoint, 'one:1', 'once; after that it is the list again');
});

t.test('K5 a retry_after_ms of weeks is taken for a day', async (t) => {
  const pair = new Pair();
  pair.welcome().say(close(CODES.BUSY.code, true, 3_000_000_000));
  pair.time.advance(24 * 60 * 60 * 1_000 - 1);
  t.equal(pair.links.length, 1);
  pair.time.advance(1);
  t.equal(pair.links.length, 2);
});

t.test('a wait may be longer than a timer of the platform can be set to, and without end', async (t) => {
  const set: [() => void, number][] = [];
  t.intercept(globalThis, 'setTimeout', {
    value: (work: () => void, ms: number) => set.push([work, ms]),
  });
  let worked = 0;
  const most = 2 ** 31 - 1;
  const fire = () => set.shift()?.[0]();
  realWorld.scheduler.after(2 * most + 5, () => worked++);
  t.strictSame([set[0]?.[1], fire(), set[0]?.[1], fire(), set[0]?.[1]], [most, undefined, most, undefined, 5]);
  t.equal(worked, 0);
  fire();
  t.strictSame([worked, set], [1, []]);
  realWorld.scheduler.after(Number.POSITIVE_INFINITY, () => worked++);
  for (let i = 0; i < 100; i++) fire();
  t.strictSame([worked, set.length, set[0]?.[1]], [1, 1, most]);
});

t.test('K5 a close that is not retryable is the end, of everything, with the reason', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const events = collect(pair.client.subscribe('a'));
  const publish = code(pair.client.publish('a', 'x'));
  const fetch = code(pair.client.fetch('b'));
  pair.link.say(close(CODES.FORBIDDEN.code, false));
  pair.time.advance(60_000);
  await settle();
  t.equal(pair.links.length, 1, 'it does not come back');
  t.strictSame([events, await publish, await fetch], [['NOT_RETRYABLE'], 'NOT_RETRYABLE', 'NOT_RETRYABLE']);
  await t.rejects(pair.client.ready(), { code: 'NOT_RETRYABLE', reason: 'FORBIDDEN', retryable: false });
  await t.rejects(pair.client.publish('a', 'x'), { code: 'NOT_RETRYABLE', reason: 'FORBIDDEN', message: 'because' });
  t.throws(() => pair.client.subscribe('a'), { code: 'NOT_RETRYABLE' });
});

t.test("what is not the protocol is the end, too, and no reason of the server's", async (t) => {
  const pair = new Pair();
  pair.link.events.connected();
  pair.link.bytes(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  pair.time.run();
  await t.rejects(pair.client.ready(), { code: 'NOT_RETRYABLE', reason: undefined, message: /as text "HTTP"/ });
});

t.test('waits grow and are jittered, and are short again after a link that lasted', async (t) => {
  const pair = new Pair();
  const waits: number[] = [];
  (async () => {
    for await (const event of pair.client.status()) if (event.type === 'disconnected') waits.push(event.retryInMs);
  })();
  for (let i = 0; i < 12; i++) {
    pair.link.cut('ECONNREFUSED');
    pair.time.advance(10_000);
    await settle();
  }
  waits.forEach((wait, n) => {
    t.ok(wait <= Math.min(10_000, 100 * 2 ** n), `wait ${n}: ${wait}`);
  });
  t.ok(Math.max(...waits) > 2_000, 'they do grow');
  t.equal(new Set(waits).size, waits.length, 'no two alike');
  pair.welcome();
  pair.time.advance(4_000);
  pair.link.say({ type: 'pong', nonce: 0n, sentUs: 0n });
  pair.time.advance(6_000);
  pair.link.cut();
  await settle();
  t.ok((waits.at(-1) as number) <= 100, 'after 10 s');
});

t.test('a silent server is probed, then given up at 3 intervals', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  pair.time.advance(5_000);
  link.next('ping');
  pair.time.advance(5_000);
  link.next('ping');
  pair.time.advance(5_000);
  t.strictSame(link.all(), []);
  pair.time.advance(1);
  t.match(link.next('close'), { code: CODES.HEARTBEAT_TIMEOUT.code, retryable: true });
  pair.time.advance(10_000);
  t.equal(pair.links.length, 2);
  t.equal(link.state, 'closed', 'the old link is not waited for');
});

t.test('a PING is answered, and a WELCOME in mid-connection changes the interval', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  link.say({ type: 'ping', nonce: 7n, sentUs: 8n, rttUs: 0 });
  t.match(link.next('pong'), { nonce: 7n, sentUs: 8n });
  link.say({ ...welcome(), heartbeatMs: 15_000 } as ReturnType<typeof welcome>);
  pair.time.advance(14_999);
  t.strictSame(link.all(), []);
  pair.time.advance(1);
  link.next('ping');
});

t.test('a request that is never answered costs the link, not the request', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const publish = pair.client.publish('a', 'x');
  pair.time.run();
  const first = link.next('publish');
  for (let i = 0; i < 10; i++) {
    pair.time.advance(3_000);
    link.say({ type: 'pong', nonce: 0n, sentUs: 0n });
  }
  t.match(link.next('close'), { code: CODES.CORRUPT.code });
  pair.time.advance(10_000);
  const again = pair.welcome().next('publish');
  t.strictSame(again.records[0]?.id, first.records[0]?.id);
  pair.link.say({ type: 'ack', requestId: again.requestId, epoch: 'e', baseOffset: 1, results: [] });
  t.match(await publish, { offset: 1 });
});

t.test(
  'a fetch that is never answered costs the link, when its wait and the time for an answer are over',
  async (t) => {
    const pair = new Pair();
    const link = pair.welcome();
    const fetch = pair.client.fetch('a', { from: { epoch: 'e', offset: 1 }, waitMs: 20_000 });
    await settle();
    link.next('fetch');
    const wait = (ms: number) => {
      for (let left = ms; left > 0; left -= 2_000) {
        pair.time.advance(2_000);
        link.say({ type: 'pong', nonce: 0n, sentUs: 0n });
      }
      return link.all().some(({ type }) => type === 'close');
    };
    t.notOk(wait(48_000));
    // From a part of the answer on, the server has no reason to wait.
    link.say(messages('a', 1));
    t.notOk(wait(28_000));
    t.ok(wait(4_000));
    pair.time.advance(10_000);
    const { requestId } = pair.welcome().next('fetch');
    pair.link.say({ type: 'fetched', requestId, epoch: 'e', nextOffset: 1, more: false });
    t.match(await fetch, { next: { offset: 1 } });
  },
);

t.test('close() waits for what is pending, says BYE, and leaves nothing', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const events = collect(pair.client.subscribe('b'));
  link.next('subscribe');
  const publish = pair.client.publish('a', 'x');
  const closed = pair.client.close();
  t.equal(await code(pair.client.publish('a', 'y')), 'CLOSED');
  pair.time.run();
  const { requestId } = link.next('publish');
  t.strictSame(link.all(), []);
  link.say({ type: 'ack', requestId, epoch: 'e', baseOffset: 4, results: [] });
  t.match(await publish, { epoch: 'e', offset: 4, duplicate: false });
  t.match(link.next('close'), { code: CODES.BYE.code });
  t.equal(link.state, 'ended');
  link.cut('closed');
  await closed;
  t.strictSame(events, ['end']);
  pair.time.advance(60_000);
  t.equal(pair.links.length, 1);
  t.equal(pair.timers, 0);
});

t.test('close() gives up at its deadline', async (t) => {
  const pair = new Pair();
  const publish = code(pair.client.publish('a', 'x'));
  const closed = pair.client.close({ timeoutMs: 500 });
  pair.time.advance(500);
  await closed;
  t.equal(await publish, 'CLOSED');
  t.equal(pair.link.state, 'closed', 'a dial under way is given up');
  t.equal(pair.timers, 0);
});

t.test('close() again, or the signal of the client, brings the deadline forward, never back', async (t) => {
  for (const sooner of ['close', 'signal'] as const) {
    const controller = new AbortController();
    const pair = new Pair({ signal: controller.signal });
    const publish = code(pair.client.publish('a', 'x'));
    const closed = [pair.client.close({ timeoutMs: Number.POSITIVE_INFINITY })];
    await settle();
    pair.time.advance(3_600_000);
    t.equal(pair.client.pending, 1, 'without end');
    closed.push(pair.client.close({ timeoutMs: 3_000 }), pair.client.close({ timeoutMs: 9_000 }));
    await settle();
    pair.time.advance(1_000);
    t.equal(pair.client.pending, 1);
    if (sooner === 'close') closed.push(pair.client.close({ timeoutMs: 0 }));
    else controller.abort();
    await settle();
    pair.time.advance(0);
    t.equal(await publish, 'CLOSED');
    await Promise.all(closed);
    t.equal(pair.timers, 0);
  }
});

t.test('K4 AbortSignal anywhere: everything ends, nothing leaks', async (t) => {
  const pair = new Pair();
  const reason = new Error('enough');
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = countListeners(signal);
  const waiting = [
    code(pair.client.ready(signal)),
    code(pair.client.publish('a', 'x', { signal })),
    code(pair.client.fetch('b', { signal })),
  ];
  const events = collect(pair.client.subscribe('c', { signal }));
  const status = collect(pair.client.status(signal));
  await settle();
  t.equal(listeners(), 1, 'however many wait for it');
  controller.abort(reason);
  await settle();
  t.strictSame(await Promise.all(waiting), ['ABORTED', 'ABORTED', 'ABORTED']);
  t.strictSame([events, status], [['ABORTED'], ['connecting', 'ABORTED']]);
  await t.rejects(pair.client.publish('a', 'x', { signal }), { code: 'ABORTED', cause: reason });
  t.throws(() => pair.client.subscribe('c', { signal }), { code: 'ABORTED' });
  t.equal(await code(pair.client.status(signal).next()), 'ABORTED');
  t.equal(listeners(), 0);
  t.equal(pair.client.pending, 0);
  t.strictSame(pair.welcome().all(), [], 'nothing of it is left to be sent');
});

t.test('K4 what settles lets go of its signal', async (t) => {
  const pair = new Pair();
  const { signal } = new AbortController();
  const listeners = countListeners(signal);
  const ready = pair.client.ready(signal);
  const publish = pair.client.publish('a', 'x', { signal });
  const fetch = code(pair.client.fetch('b', { signal }));
  const subscription = pair.client.subscribe('c', { signal });
  await settle();
  const link = pair.welcome();
  await ready;
  for (const frame of link.all()) {
    if (frame.type === 'publish') {
      link.say({ type: 'ack', requestId: frame.requestId, epoch: 'e', baseOffset: 1, results: [] });
    } else if (frame.type === 'fetch') {
      link.say({ type: 'fetched', requestId: frame.requestId, epoch: 'e', nextOffset: 1, more: false });
    }
  }
  await publish;
  t.equal(await fetch, 'fulfilled');
  t.equal(listeners(), 1);
  await subscription.return();
  t.equal(listeners(), 0);
});

t.test('K4 the signal of the client closes it at once', async (t) => {
  const controller = new AbortController();
  const pair = new Pair({ signal: controller.signal });
  const link = pair.welcome();
  const publish = code(pair.client.publish('a', 'x'));
  controller.abort();
  pair.time.advance(0);
  t.equal(await publish, 'CLOSED');
  t.ok(link.all().some((frame) => frame.type === 'close'));
  link.cut();
  t.equal(pair.timers, 0);
});

t.test('fetch: what is there, where to go on, and what lies before the position left out', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const fetch = pair.client.fetch('a', {
    from: { epoch: 'e', offset: 6 },
    maxRecords: 10,
    maxBytes: 1_000,
    waitMs: 50,
  });
  await settle();
  const { requestId, ...asked } = link.next('fetch');
  t.match(asked, { topic: 'a', epoch: 'e', offset: 6, maxRecords: 10, maxBytes: 1_000, waitMs: 50 });
  link.say(messages('a', 5, 3), { type: 'gap', topic: 'a', epoch: 'e', fromOffset: 8, toOffset: 9, reason: 1 });
  link.say(messages('a', 10, 1), { type: 'fetched', requestId, epoch: 'e', nextOffset: 11, more: true });
  const { events, next, more } = await fetch;
  t.strictSame(
    events.map((event) => (event.type === 'message' ? text(event.data) : event.reason)),
    ['6', '7', 'EVICTED', '10'],
  );
  t.strictSame([next, more], [{ epoch: 'e', offset: 11 }, true]);
});

t.test('fetch: what a subscription to the same topic is sent meanwhile is no part of the answer', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const fetch = pair.client.fetch('a', { from: { epoch: 'e', offset: 6 } });
  await settle();
  const { requestId } = link.next('fetch');
  link.say(messages('a', 7, 2), messages('a', 5, 3), messages('a', 8, 1));
  link.say({ type: 'gap', topic: 'a', epoch: 'e', fromOffset: 9, toOffset: 12, reason: 1 });
  link.say({ type: 'fetched', requestId, epoch: 'e', nextOffset: 9, more: true });
  const { events } = await fetch;
  t.strictSame(
    events.map((event) => (event.type === 'message' ? text(event.data) : event.reason)),
    ['6', '7', '8'],
  );
});

t.test(
  'fetch: the GAP of a subscription that comes to cover the topic overtakes the answer, and is no part of it',
  async (t) => {
    const evicted = (fromOffset: number, toOffset: number) =>
      ({ type: 'gap', topic: 'a', epoch: 'e', fromOffset, toOffset, reason: 1 }) as const;
    for (const [own, other] of [
      [evicted(6, 9), evicted(3, 9)],
      [evicted(6, 9), evicted(8, 9)],
    ] as const) {
      for (const frames of [
        [own, other, messages('a', 10, 2)],
        [other, own, messages('a', 10, 2)],
        [own, messages('a', 10, 2), evicted(9, 11)],
        [{ ...evicted(6, 8), reason: GapReason.SKIPPED }, messages('a', 9), own, messages('a', 10, 2)],
      ]) {
        const pair = new Pair();
        const link = pair.welcome();
        const fetch = pair.client.fetch('a', { from: { epoch: 'e', offset: 6 } });
        await settle();
        const { requestId } = link.next('fetch');
        link.say(...frames, { type: 'fetched', requestId, epoch: 'e', nextOffset: 12, more: false });
        t.match((await fetch).events, [{ type: 'gap', fromOffset: 6, toOffset: 9 }, { offset: 10 }, { offset: 11 }]);
      }
    }
  },
);

t.test('fetch: in a new history the answer begins with the GAP that says so', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const fetch = pair.client.fetch('a', { from: { epoch: 'e', offset: 6 } });
  await settle();
  const { requestId } = link.next('fetch');
  const gap = { type: 'gap', topic: 'a', epoch: 'f', fromOffset: 1, toOffset: 2 } as const;
  // Another fetch of the topic was told of a history that has gone by since.
  link.say({ ...gap, epoch: 'gone', toOffset: 0, reason: GapReason.EPOCH_CHANGED }, messages('a', 1, 2));
  link.say({ ...gap, reason: GapReason.EPOCH_CHANGED }, { ...gap, reason: GapReason.EVICTED }, messages('a', 3));
  link.say({ type: 'fetched', requestId, epoch: 'f', nextOffset: 4, more: false });
  t.match((await fetch).events, [{ reason: 'EPOCH_CHANGED', toOffset: 2 }, { offset: 3 }]);
});

t.test('fetch: asked again when the link is lost or damaged in the middle, and refused alone', async (t) => {
  const pair = new Pair();
  const fetch = pair.client.fetch('a', { from: { last: 1 } });
  const refused = pair.client.fetch('b');
  await settle();
  pair.welcome().say(messages('a', 1, 3));
  const link = pair.reconnect();
  const { requestId, maxRecords } = link.next('fetch');
  t.equal(maxRecords, 1);
  link.say({ type: 'error', requestId: link.next('fetch').requestId, code: CODES.BAD_TOPIC.code, message: 'no' });
  await t.rejects(refused, { code: 'REFUSED', reason: 'BAD_TOPIC', retryable: false });
  link.say(messages('a', 1, 3), { type: 'fetched', requestId, epoch: 'e', nextOffset: 4, more: false });
  t.match(await fetch, { events: [{ offset: 3 }] });
});

t.test('fetch: those of one topic wait for each other, also for one that was given up', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const controller = new AbortController();
  const { signal } = controller;
  const abandoned = code(pair.client.fetch('a', { from: 'latest', waitMs: 30_000, signal }));
  const skipped = code(pair.client.fetch('a', { signal }));
  const next = pair.client.fetch('a', { from: 'earliest' });
  const last = pair.client.fetch('a', { from: { last: 1 } });
  const other = pair.client.fetch('b');
  await settle();
  const answer = (base: number) => {
    const { requestId, topic } = link.next('fetch');
    link.say(messages(topic, base), { type: 'fetched', requestId, epoch: 'e', nextOffset: base + 1, more: false });
  };
  controller.abort();
  t.strictSame([await abandoned, await skipped], ['ABORTED', 'ABORTED']);
  const [first, beside] = [link.next('fetch'), link.next('fetch')];
  t.strictSame([first.topic, beside.topic, link.all()], ['a', 'b', []]);
  link.say({ type: 'fetched', requestId: beside.requestId, epoch: 'e', nextOffset: 1, more: false });
  await other;
  link.say(messages('a', 9), { type: 'fetched', requestId: first.requestId, epoch: 'e', nextOffset: 10, more: false });
  answer(1);
  answer(9);
  t.match([await next, await last], [{ events: [{ offset: 1 }] }, { events: [{ offset: 9 }] }]);
  t.strictSame(link.all(), []);
});

t.test('fetch: what was given up is not asked again on another link, and the next has its turn', async (t) => {
  const pair = new Pair();
  pair.welcome();
  const controller = new AbortController();
  const abandoned = code(pair.client.fetch('a', { waitMs: 30_000, signal: controller.signal }));
  const next = pair.client.fetch('a', { maxRecords: 7 });
  await settle();
  controller.abort();
  t.equal(await abandoned, 'ABORTED');
  const link = pair.reconnect();
  const { requestId, maxRecords } = link.next('fetch');
  t.strictSame([maxRecords, link.all()], [7, []]);
  link.say({ type: 'error', requestId, code: CODES.FORBIDDEN.code, message: 'no' });
  t.equal(await code(next), 'REFUSED');
});

t.test('what cannot be is refused before anything is sent', async (t) => {
  const { client } = new Pair();
  t.throws(() => new Pair({ servers: [] }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => new Pair({ servers: 'nowhere' }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => new Pair({ servers: 'host:65536' }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe(''), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('x'.repeat(256)), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('a.*', { from: { epoch: 'e', offset: 1 } }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('a', { from: { positions: [] } }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('a', { from: { last: 0 } }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('a', { from: { since: -1 } }), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.subscribe('a', { from: { epoch: '', offset: 2 ** 53 } }), { code: 'INVALID_ARGUMENT' });
  for (const options of [{ from: { since: 1 } }, { waitMs: -1 }, { maxBytes: 2 ** 32 }, { maxRecords: 0.5 }]) {
    t.equal(await code(client.fetch('a', options)), 'INVALID_ARGUMENT');
  }
  t.equal(await code(client.fetch('a.>')), 'INVALID_ARGUMENT');
  t.equal(await code(client.publish('', 'x')), 'INVALID_ARGUMENT');
  t.equal(await code(client.publish('a', { data: 'x', id: 'i'.repeat(65) })), 'INVALID_ARGUMENT');
});

/** Counts what is attached to a signal and has not been called. */
function countListeners(signal: AbortSignal): () => number {
  return () => getEventListeners(signal, 'abort').length;
}
