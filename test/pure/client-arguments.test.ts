import t from 'tap';
import type { Client } from '../../src/client/client.js';
import { connect } from '../../src/client/index.js';
import { code, Pair, settle } from './client-pair.js';

/** What a caller in JavaScript may write: the compiler is not asked. */
interface Loose {
  publish(...given: readonly unknown[]): Promise<unknown>;
  subscribe(...given: readonly unknown[]): unknown;
  fetch(...given: readonly unknown[]): Promise<unknown>;
  close(...given: readonly unknown[]): Promise<unknown>;
  ready(...given: readonly unknown[]): Promise<unknown>;
  status(...given: readonly unknown[]): unknown;
}
const loose = (client: Client): Loose => client as unknown as Loose;

const RECORDS: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /a record must be a string, a Uint8Array, or \{ data/],
  [null, /not null/],
  [5, /not 5/],
  [new ArrayBuffer(4), /not ArrayBuffer/],
  [new Uint16Array(4), /not Uint16Array/],
  [[['x']], /not \[ 'x' \]/],
  [{}, /data must be a string or a Uint8Array, not undefined/],
  [{ data: undefined }, /not undefined/],
  [{ data: null }, /not null/],
  [{ data: 5 }, /not 5/],
  [{ data: { a: 1 } }, /not \{ a: 1 \}/],
  [{ data: [1, 2] }, /not \[ 1, 2 \]/],
  [{ data: new ArrayBuffer(4) }, /not ArrayBuffer/],
  [{ data: 'x', key: 5 }, /key must be a string, not 5/],
  [{ data: 'x', key: null }, /not null/],
  [{ data: 'x', id: 7 }, /id must be a string or a Uint8Array, not 7/],
  [{ data: 'x', id: 'é'.repeat(33) }, /at most 64 bytes/],
  [{ data: 'x', headers: 'h' }, /headers must be a Map, or an object, of strings/],
  [{ data: 'x', headers: ['h'] }, /headers must be/],
  [{ data: 'x', headers: null }, /headers must be/],
  [{ data: 'x', headers: new Headers({ a: 'b' }) }, /headers must be/],
  [{ data: 'x', headers: { h: 5 } }, /headers\.h must be a string, not 5/],
  [{ data: 'x', headers: new Map([['h', 5]]) }, /headers\.h must be a string, not 5/],
  [{ data: 'x', headers: new Map([[5, 'h']]) }, /name of a header must be a string, not 5/],
  [
    { data: 'x', headers: Object.fromEntries(Array.from({ length: 1_025 }, (_, i) => [i, ''])) },
    /at most 1024, not 1025/,
  ],
  [{ data: 'x', heders: {} }, /a record has no 'heders': there are data, key, headers, id/],
];

const FROM: readonly (readonly [unknown, RegExp])[] = [
  ['wat', /options\.from must be 'latest', 'earliest', \{ epoch, offset \}.*, not 'wat'/],
  [null, /not null/],
  [{}, /options\.from must be/],
  [7, /not 7/],
  [{ offset: 5 }, /from\.epoch must be a string of 0 to 255 bytes, not undefined/],
  [{ epoch: 'e' }, /from\.offset must be a whole number from 1 to 2\^53 - 1, not undefined/],
  [{ epoch: 'e', offset: 0 }, /not 0/],
  [{ epoch: 'e', offset: '5' }, /not '5'/],
  [{ epoch: 'e'.repeat(300), offset: 5 }, /0 to 255 bytes/],
  [{ last: 0 }, /from\.last must be a whole number from 1 to 4294967295, not 0/],
  [{ last: 1, first: 1 }, /has no 'first'/],
  [{ since: '2020' }, /from\.since must be a Date or milliseconds/],
  [{ since: new Date('nonsense') }, /Invalid Date/],
  [{ since: Number.NaN }, /NaN/],
  [{ since: -1 }, /-1/],
  [{ since: Number.POSITIVE_INFINITY }, /Infinity/],
  [{ positions: 5 }, /from\.positions must be a list/],
  [{ positions: [null] }, /positions\[0\] must be an object, not null/],
  [{ positions: [{ topic: 'a', epoch: 'e', offset: -1 }] }, /positions\[0\]\.offset must be .*, not -1/],
  [{ positions: [{ topic: 'a', offset: 1 }] }, /positions\[0\]\.epoch/],
  [{ positions: [{ topic: '', epoch: 'e', offset: 1 }] }, /positions\[0\]\.topic must be a string of 1 to 255 bytes/],
];

/** None of these is a number of things. */
const NO_COUNTS = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null];

const refused = (match: RegExp) => ({ code: 'INVALID_ARGUMENT', message: match, retryable: false });

t.test('publish: what is no record is refused, told why, and leaves nothing behind', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { publish } = bound(pair);
  for (const [record, match] of RECORDS) {
    await t.rejects(publish('t', record), refused(match));
    if (!Array.isArray(record)) await t.rejects(publish('t', ['good', record]), refused(match));
  }
  for (const topic of [undefined, null, 5, '', 'x'.repeat(256), 'x'.repeat(1 << 24), ['t']]) {
    await t.rejects(publish(topic, 'x'), refused(/topic must be a string of 1 to 255 bytes/));
  }
  for (const options of [null, 5, 'x', { signal: 5 }, { signal: {} }, { bogus: 1 }]) {
    await t.rejects(publish('t', 'x', options), refused(/options/));
  }
  await settle();
  pair.time.run();
  t.strictSame([pair.client.pending, link.all()], [0, []]);
  t.same(await publish('t', []), []);
});

t.test('subscribe: what cannot be is thrown at the call, and nothing is begun', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { subscribe } = bound(pair);
  for (const [from, match] of FROM) t.throws(() => subscribe('t.*', { from }), refused(match));
  for (const topic of [undefined, null, 5, {}]) t.throws(() => subscribe(topic), refused(/topic must be/));
  t.throws(() => subscribe('t', { onLag: 'foo' }), refused(/onLag must be 'wait' or 'skip' or .*, not 'foo'/));
  t.throws(() => subscribe('t', { onLag: 'toString' }), refused(/onLag/));
  t.throws(() => subscribe('t', { signal: 5 }), refused(/options\.signal must be an AbortSignal, not 5/));
  t.throws(() => subscribe('t', { bogus: 1 }), refused(/no 'bogus': there are from, onLag, signal, bufferRecords/));
  t.throws(() => subscribe('t', null), refused(/options must be an object, not null/));
  for (const count of NO_COUNTS) {
    t.throws(() => subscribe('t', { bufferRecords: count }), refused(/bufferRecords must be a whole number from 1/));
    t.throws(() => subscribe('t', { bufferBytes: count }), refused(/bufferBytes must be a whole number from 1/));
  }
  t.strictSame(link.all(), []);
  subscribe('t');
  link.next('subscribe');
});

t.test('fetch, close, ready and status', async (t) => {
  const pair = new Pair();
  const link = pair.welcome();
  const { fetch, close, ready, status } = bound(pair);
  for (const [from, match] of FROM) await t.rejects(fetch('t', { from }), refused(match));
  await t.rejects(fetch(undefined), refused(/topic must be/));
  await t.rejects(fetch('t', { bogus: 1 }), refused(/no 'bogus'/));
  await t.rejects(fetch('t', { signal: 'x' }), refused(/signal/));
  for (const count of NO_COUNTS.slice(1)) await t.rejects(fetch('t', { waitMs: count }), refused(/waitMs/));
  for (const timeoutMs of [-1, Number.NaN, '5', null])
    await t.rejects(close({ timeoutMs }), refused(/timeoutMs must be/));
  await t.rejects(close({ timeout: 5 }), refused(/no 'timeout': there are timeoutMs/));
  await t.rejects(ready(5), refused(/signal must be/));
  t.throws(() => status({}), refused(/signal must be/));
  const subscription = pair.client.subscribe('t');
  await t.rejects((subscription.ready as Loose['ready']).call(subscription, 5), refused(/signal must be/));
  link.next('subscribe');
  t.strictSame(link.all(), [], 'and the client is not closed');
});

t.test('connect: what cannot be is thrown at the call, before anything is dialled', async (t) => {
  const open = connect as unknown as (...given: readonly unknown[]) => unknown;
  for (const [options, match] of [
    [undefined, /options must be an object, not undefined/],
    [{}, /options\.servers must be host:port, or a list of them, not undefined/],
    [{ server: 'a:1' }, /options has no 'server': there are servers, name/],
    [{ servers: undefined }, /servers must be/],
    [{ servers: [] }, /servers must be/],
    [{ servers: 5 }, /servers must be/],
    [{ servers: ['a:1', 5] }, /servers must be host:port, not 5/],
    ['nowhere', /not 'nowhere'/],
    [{ servers: 'a:1', name: 5 }, /name must be a string of 0 to 256 bytes, not 5/],
    [{ servers: 'a:1', name: 'é'.repeat(129) }, /name must be/],
    [{ servers: 'a:1', signal: 5 }, /signal must be/],
  ] as const) {
    t.throws(() => open(options), refused(match));
  }
  for (const count of NO_COUNTS) {
    t.throws(() => open({ servers: 'a:1', maxPendingRecords: count }), refused(/maxPendingRecords/));
    t.throws(() => open({ servers: 'a:1', maxPendingBytes: count }), refused(/maxPendingBytes/));
  }
});

t.test(
  'what is left out, or is undefined, is what the defaults say; other realms and classes are welcome',
  async (t) => {
    const pair = new Pair({ name: undefined, signal: undefined, maxPendingBytes: undefined });
    const link = pair.welcome();
    const record = { data: Buffer.from('x'), key: undefined, headers: undefined, id: undefined };
    pair.client.publish('t', record, { signal: undefined });
    pair.client.publish('t', { data: 'x', headers: Object.assign(Object.create(null), { h: 'v' }) });
    await settle();
    pair.time.run();
    t.match(link.next('publish').records, [{ key: '' }, { headers: new Map([['h', 'v']]) }]);
    const once = (function* () {
      yield { topic: 't.1', epoch: 'e', offset: 5 };
    })();
    pair.client.subscribe('t.*', { from: { positions: once }, onLag: undefined });
    t.match(link.next('subscribe'), { positions: [{ topic: 't.1', epoch: 'e', offset: 5 }] });
    const published = { epoch: 'e', offset: 5, duplicate: false };
    pair.client.subscribe('t', { from: published });
    t.match(link.next('subscribe'), { epoch: 'e', offset: 5 });
  },
);

t.test('once the client is closed: nothing is begun, not even what is nothing', async (t) => {
  const pair = new Pair();
  const closed = pair.client.close();
  pair.time.advance(5_000);
  await closed;
  t.equal(await code(pair.client.publish('t', [])), 'CLOSED');
  t.equal(await code(pair.client.publish('t', 'x')), 'CLOSED');
  t.equal(await code(pair.client.fetch('t')), 'CLOSED');
  t.throws(() => pair.client.subscribe('t'), { code: 'CLOSED' });
  await t.rejects(bound(pair).publish('t', 5), refused(/a record/), 'and what cannot be still is told so');
});

/** The methods of a pair's client, for arguments of any type. */
function bound({ client }: Pair): Loose {
  const { publish, subscribe, fetch, close, ready, status } = loose(client);
  return {
    publish: publish.bind(client),
    subscribe: subscribe.bind(client),
    fetch: fetch.bind(client),
    close: close.bind(client),
    ready: ready.bind(client),
    status: status.bind(client),
  };
}
