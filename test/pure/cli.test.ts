import * as fc from 'fast-check';
import t from 'tap';
import { parseDuration, rate, topic, topics } from '../../src/cli/arguments.js';
import { parseDiskStats, parseMemAvailable, parseNetDev } from '../../src/cli/demo/counters.js';
import { Ledger } from '../../src/cli/demo/ledger.js';
import { LatencyHistogram } from '../../src/cli/latency.js';
import { describeLink } from '../../src/cli/link-report.js';
import { idFromJson } from '../../src/cli/pub/input.js';
import { splitLines } from '../../src/cli/pub/lines.js';
import { Window } from '../../src/cli/pub/window.js';
import { Audit } from '../../src/cli/sub/audit.js';
import { type Findings, isFaultless, StreamChecker } from '../../src/cli/sub/checker.js';
import { asPrintable, describeGap } from '../../src/cli/sub/format.js';
import { parseFrom, resolveFrom } from '../../src/cli/sub/from.js';
import { summaryJson } from '../../src/cli/sub/summary.js';
import { renderTable } from '../../src/cli/table.js';
import { humanBytes, humanTime } from '../../src/cli/units.js';
import type { GapReasonName, PositionOfTopic, TopicGap, TopicMessage } from '../../src/client/index.js';

const message = (offset: number, { topic = 'a', epoch = 'e' } = {}): TopicMessage => ({
  type: 'message',
  topic,
  epoch,
  offset,
  data: new Uint8Array(),
  key: '',
  headers: new Map(),
  id: new Uint8Array(),
  timestampUs: 0,
});
const gap = (
  fromOffset: number,
  toOffset: number,
  { topic = 'a', epoch = 'e', reason = 'EVICTED' as GapReasonName } = {},
): TopicGap => ({ type: 'gap', topic, epoch, fromOffset, toOffset, reason });

const check = (events: readonly (TopicMessage | TopicGap)[], start?: PositionOfTopic): Findings => {
  const checker = new StreamChecker(start);
  for (const event of events) checker.observe(event);
  return checker.findings();
};
const FAULTLESS = { lost: 0, missing: 0, duplicates: 0, reordered: 0, epochChanges: 0 };

t.test('checker: order, gaps, duplicates and reordering are told apart', (t) => {
  const of = (...offsets: number[]) => check(offsets.map((offset) => message(offset)));
  t.strictSame(of(5, 6, 7), { records: 3, ...FAULTLESS }, 'it may begin anywhere');
  t.strictSame(of(1, 2, 5), { records: 3, ...FAULTLESS, missing: 2 });
  t.strictSame(of(1, 2, 2, 1), { records: 4, ...FAULTLESS, duplicates: 2 });
  t.strictSame(of(1, 3, 2, 4), { records: 4, ...FAULTLESS, reordered: 1 });
  t.strictSame(of(1, 6, 4, 4, 2), { records: 5, ...FAULTLESS, missing: 2, reordered: 2, duplicates: 1 });

  t.strictSame(check([message(1), gap(2, 4), message(5)]), { records: 2, ...FAULTLESS, lost: 3 });
  t.strictSame(check([message(1), gap(3, 4), message(5)]), { records: 2, ...FAULTLESS, lost: 2, missing: 1 });
  t.strictSame(
    check([message(1), gap(1, 2), message(3)]),
    { records: 2, ...FAULTLESS, lost: 1 },
    'what came is not lost',
  );
  t.strictSame(check([message(1), gap(1, 0), message(2)]), { records: 2, ...FAULTLESS }, 'an empty gap');
  t.end();
});

t.test('checker: topics are independent, and a new epoch begins anew', (t) => {
  const other = { topic: 'b' };
  t.strictSame(check([message(1), message(9, other), message(2), message(10, other)]), { records: 4, ...FAULTLESS });
  const later = { epoch: 'f' };
  const changed = check([message(7), gap(1, 2, later), message(3, later), message(4, later)]);
  t.strictSame(changed, { records: 3, ...FAULTLESS, lost: 2, epochChanges: 1 });
  t.notOk(isFaultless(changed));
  t.ok(isFaultless({ records: 3, ...FAULTLESS }));
  t.end();
});

t.test('checker: a lost history counts by what its gap says, and what was asked for is where it begins', (t) => {
  const lost = { reason: 'EPOCH_CHANGED' as const };
  const start = { topic: 'a', epoch: 'old', offset: 500 };
  const changed = { ...FAULTLESS, epochChanges: 1 };
  t.strictSame(check([gap(1, 0, lost), message(1)], start), { records: 1, ...changed });
  t.strictSame(check([gap(1, 0, lost), message(1)]), { records: 1, ...changed }, 'be it the first event');
  t.strictSame(check([message(1)], start), { records: 1, ...changed }, 'be it without a word');
  const back = check([message(7), gap(1, 2, lost), message(3)]);
  t.strictSame(back, { records: 2, ...changed, lost: 2 }, 'the name may stay, and offsets begin again');

  const here = { topic: 'a', epoch: 'e', offset: 5 };
  t.strictSame(check([message(5), message(6)], here), { records: 2, ...FAULTLESS });
  t.strictSame(check([message(8)], here), { records: 1, ...FAULTLESS, missing: 3 });
  t.strictSame(check([gap(5, 7), message(8)], here), { records: 1, ...FAULTLESS, lost: 3 });
  t.end();
});

t.test('audit: subscriptions that overlap are checked each for itself, and told together', (t) => {
  const audit = new Audit();
  const [pattern, topic] = [audit.subscription(), audit.subscription()];
  for (const offset of [1, 2]) for (const each of [pattern, topic]) each(message(offset), 1_000);
  topic(message(4), 2_000);
  t.match(audit.summary(), { findings: { records: 5, ...FAULTLESS, missing: 1 }, seconds: 0.001 });
  t.end();
});

t.test('checker: against a model, for any order of any offsets', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (tail) => {
      // From the first offset on, so that nothing is before the beginning.
      const offsets = [1, ...tail];
      const findings = check(offsets.map((offset) => message(offset)));
      const distinct = new Set(offsets);
      const highest = Math.max(...offsets);
      t.equal(findings.missing, highest - distinct.size);
      t.equal(findings.duplicates, offsets.length - distinct.size);
    }),
  );
  t.end();
});

t.test('latency: percentiles to one percent, in bounded memory', (t) => {
  t.equal(new LatencyHistogram().percentiles(), undefined);
  const histogram = new LatencyHistogram();
  for (let us = 1; us <= 100_000; us += 1) histogram.add(us);
  const { p50 = 0, p90 = 0, p99 = 0, p999 = 0, max } = histogram.percentiles() ?? {};
  for (const [found, exact] of [
    [p50, 50_000],
    [p90, 90_000],
    [p99, 99_000],
    [p999, 99_900],
  ] as const) {
    t.ok(found >= exact && found <= exact * 1.01, `${found} for ${exact}`);
  }
  t.equal(max, 100_000);
  const skewed = new LatencyHistogram();
  skewed.add(-5);
  t.match(skewed.percentiles(), { p50: 0, max: 0 }, 'a clock that is behind does not make a negative age');
  t.end();
});

t.test('--from: every form, and what is none', (t) => {
  t.equal(parseFrom('latest'), 'latest');
  t.equal(parseFrom('earliest'), 'earliest');
  t.strictSame(parseFrom('last:7'), { last: 7 });
  t.strictSame(parseFrom('K7_d-Q:12'), { epoch: 'K7_d-Q', offset: 12 });
  t.strictSame(resolveFrom(parseFrom('since:10m'), 1_000_000), { since: 400_000 });
  t.strictSame(resolveFrom(parseFrom('since:10d'), 1_000), { since: 0 }, 'there is nothing before 1970');
  for (const text of [
    '',
    'x',
    ':1',
    'last:',
    'last:0',
    'last:-1',
    'since:10',
    'since:',
    'e:0',
    'e:1.5',
    'e:99999999999999999',
  ]) {
    t.throws(() => parseFrom(text), /latest \| earliest/, text);
  }
  for (const text of ['latest:5', 'earliest:5']) t.throws(() => parseFrom(text), /the last 5 records are last:5/, text);
  t.equal(parseDuration('90s'), 90_000);
  t.equal(parseDuration('5'), undefined);
  t.equal(rate('0.5/s'), 0.5);
  t.end();
});

const collect = async (chunks: readonly Uint8Array[], bytesMax = 1_000): Promise<string[]> => {
  const lines: string[] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const line of splitLines(source, bytesMax)) lines.push(Buffer.from(line).toString('latin1'));
  return lines;
};

t.test('lines: cut anywhere, any bytes; a line that is too long is refused', async (t) => {
  t.strictSame(await collect([]), []);
  t.strictSame(await collect([Buffer.from('a\n\nb')]), ['a', '', 'b']);
  t.strictSame(await collect([Buffer.from('a\r\n')]), ['a\r'], 'the bytes are the data, whatever they are');
  await t.rejects(collect([Buffer.from('1234'), Buffer.from('5678')], 7), { name: 'RangeError' });
  const chunk = fc.uint8Array({ maxLength: 8 }).map((bytes) => bytes.map((byte) => (byte < 64 ? 0x0a : byte)));
  await fc.assert(
    fc.asyncProperty(fc.array(chunk), async (chunks) => {
      const text = Buffer.concat(chunks).toString('latin1');
      const expected = text.split('\n');
      if (expected.at(-1) === '') expected.pop();
      t.strictSame(await collect(chunks), expected);
    }),
  );
});

t.test('window: waits for room, and ends waiting when it is aborted', async (t) => {
  const stop = new AbortController();
  const window = new Window({ records: 2, bytes: 100 }, stop.signal);
  await window.room();
  window.add(10);
  window.add(10);
  const log: string[] = [];
  const room = window.room().then(() => log.push('room'));
  window.remove(10);
  log.push('removed');
  await room;
  t.strictSame(log, ['removed', 'room']);
  window.add(100);
  const full = window.empty();
  stop.abort();
  await full;
  t.equal(window.records, 2, 'nobody knows what became of these');
});

t.test('id from JSON: a text or a number of the object itself', (t) => {
  t.equal(idFromJson(Buffer.from('{"id":"a"}'), 'id'), 'a');
  t.equal(idFromJson(Buffer.from('{"id":0}'), 'id'), '0');
  for (const text of ['[]', 'null', '{"id":""}', '{"id":null}', '{"id":{}}', '{}', '7']) {
    t.throws(() => idFromJson(Buffer.from(text), 'id'), /has no "id"/, text);
  }
  t.throws(() => idFromJson(Buffer.from('{}'), 'toString'), /has no "toString"/);
  t.throws(() => idFromJson(Buffer.from('{'), 'id'), /is no JSON/);
  t.end();
});

t.test('what is shown on a terminal cannot command it', (t) => {
  const data = Buffer.from('a\tb\u001b[2J\u0007\nc\u202e');
  t.equal(asPrintable({ ...message(1), data }), 'a\tb\\u{1b}[2J\\u{7}\nc\\u{202e}\n');
  t.end();
});

t.test('topics: each a legal one, and each once', (t) => {
  t.equal(topic('orders.eu'), 'orders.eu');
  t.strictSame(
    ['a.*', 'b.>', 'c'].reduce<readonly string[]>((earlier, text) => topics(text, earlier), []),
    ['a.*', 'b.>', 'c'],
  );
  for (const text of ['', 'a..b', 'a b', 'a.*', 'a'.repeat(256)]) t.throws(() => topic(text), /1 to 255 bytes/, text);
  for (const text of ['', '.a', 'a*', 'a.>.b']) t.throws(() => topics(text), /a final > for one or more/, text);
  t.throws(() => topics('a', ['b', 'a']), /is given twice/);
  t.end();
});

t.test('a gap in words: what is missing, or that nobody can know', (t) => {
  t.equal(describeGap(gap(5, 9)), 'gap in a: 5 to 9 (EVICTED)');
  t.equal(describeGap(gap(5, 4)), 'gap in a: nothing known to be missing (EVICTED)');
  const lost = { ...gap(1, 0), reason: 'EPOCH_CHANGED' } as const;
  t.match(describeGap(lost), /^gap in a: its history was lost, .*restarted.* cannot be known \(EPOCH_CHANGED\)$/);
  t.match(
    describeGap({ ...lost, toOffset: 7 }),
    /cannot be known, and 1 to 7 of the new one is gone \(EPOCH_CHANGED\)$/,
  );
  t.end();
});

t.test('the link in words: coming back promises nothing, and an attempt that comes too late is none', (t) => {
  const connected = { type: 'connected', endpoint: 'h:1', connectionId: 'c', server: 's', connectMs: 1 } as const;
  t.equal(describeLink({ ...connected, resumed: false }), 'connected to h:1 (s)');
  t.equal(describeLink({ ...connected, resumed: true }), 'connected again to h:1 (s)');
  const lost = { type: 'disconnected', cause: 'BUSY', reason: 'no slot', retryInMs: 700 } as const;
  t.equal(describeLink(lost), 'not connected: BUSY, no slot; trying again in 700 ms');
  t.equal(describeLink(lost, 600), 'not connected: BUSY, no slot');
  t.end();
});

t.test('the summary in JSON: milliseconds to the microsecond, as in messages', (t) => {
  const age = { p50: 1234.5678, p90: 2000, p99: 3000.1, p999: 4000, max: 5000 };
  const summary = { seconds: 1.23456, findings: { records: 1, ...FAULTLESS }, age };
  t.strictSame(JSON.parse(summaryJson(summary)), {
    type: 'summary',
    seconds: 1.235,
    records: 1,
    ...FAULTLESS,
    ageMs: { p50: 1.235, p90: 2, p99: 3, p999: 4, max: 5 },
  });
  t.equal(JSON.parse(summaryJson({ ...summary, age: undefined })).ageMs, null);
  t.end();
});

t.test('tables and units', (t) => {
  t.equal(
    renderTable(
      [{ title: 'A' }, { title: 'N', align: 'right' }],
      [
        ['long', '1'],
        ['b', '10'],
      ],
    ),
    'A      N\nlong   1\nb     10\n',
  );
  t.strictSame([0, 1023, 1024, 1536, 20 * 1024 ** 2].map(humanBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '20 MiB',
  ]);
  t.strictSame([0.4, 999, 1_000, 4_700_000, 90e6, 7_200e6].map(humanTime), [
    '0 µs',
    '999 µs',
    '1.0 ms',
    '4.7 s',
    '1.5 min',
    '2.0 h',
  ]);
  t.end();
});

t.test('demo: counters of the kernel, and the account of what came', (t) => {
  const net =
    'Inter-| Receive | Transmit\n face |bytes\n lo: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\neth0:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n';
  t.strictSame(parseNetDev(net), { in: 15, out: 27 });
  const disk = [
    ' 7 0 loop0 1 0 99 0 1 0 99 0',
    ' 254 0 vda 1 0 2 0 1 0 4 0',
    ' 254 1 vda1 1 0 2 0 1 0 4 0',
    ' 259 0 nvme0n1 1 0 10 0 1 0 20 0',
    ' 259 1 nvme0n1p1 1 0 10 0 1 0 20 0',
  ].join('\n');
  t.strictSame(parseDiskStats(disk), { in: 12 * 512, out: 24 * 512 }, 'a partition is counted in its disk');
  t.strictSame(parseDiskStats(''), { in: 0, out: 0 });
  t.equal(parseMemAvailable('MemTotal: 10 kB\nMemAvailable:   4 kB\n'), 4_096);
  t.equal(parseMemAvailable(''), undefined);

  const ledger = new Ledger();
  for (const number of [1, 2, 2, 5]) ledger.enter('a', number);
  ledger.enter('b', 1);
  t.strictSame(ledger.account(), { received: 5, missing: 2, twice: 1 });
  t.end();
});
