import t from 'tap';
import type { TopicGap, TopicMessage } from '../../src/client/events.js';
import { type Messages, OnLag, type Record } from '../../src/wire/index.js';
import { Oracle } from './oracle.js';
import { StreamChecker } from './stream-checker.js';

const recordOf = (n: number): Record => ({
  data: Buffer.from(`app.${n}|`),
  id: Buffer.of(n),
  key: `k${n % 2}`,
  headers: new Map(),
});

const frameOf = (baseOffset: number, ...numbers: number[]): Messages => ({
  type: 'messages',
  topic: 'a',
  baseOffset,
  prevOffset: baseOffset - 1,
  timestampUs: baseOffset,
  records: numbers.map(recordOf),
});

const message = (offset: number, more: Partial<TopicMessage> = {}): TopicMessage => {
  const { data, id, key, headers } = recordOf(offset);
  return { type: 'message', topic: 'a', epoch: 'e', offset, timestampUs: offset, data, id, key, headers, ...more };
};

const gap = (fromOffset: number, toOffset: number, reason: TopicGap['reason'], epoch = 'e'): TopicGap => ({
  type: 'gap',
  topic: 'a',
  epoch,
  fromOffset,
  toOffset,
  reason,
});

/** Ten records in epoch e, of which those from 4 on are retained, and a stream that begins at the first. */
function setUp(onLag: OnLag = OnLag.WAIT): { checker: StreamChecker; oracle: Oracle } {
  const oracle = new Oracle('in order');
  for (let n = 1; n <= 12; n++) oracle.publishing('a', recordOf(n));
  for (let n = 1; n <= 10; n++) oracle.appended('e', frameOf(n, n));
  const checker = new StreamChecker(
    'reader',
    oracle,
    { first: () => 4, epochs: () => undefined },
    (_topic, asked) => asked === onLag,
  );
  checker.expect('a', { epoch: 'e', next: 1 });
  return { checker, oracle };
}

function give(checker: StreamChecker, events: readonly (TopicMessage | TopicGap)[]): void {
  for (const event of events) {
    if (event.type === 'message') checker.message(event);
    else checker.gap(event);
  }
}

t.test('a stream as it should be', async (t) => {
  const { checker } = setUp();
  give(checker, [message(1), message(2), gap(3, 3, 'EVICTED'), message(4), message(5)]);
  t.same(checker.places.get('a'), { epoch: 'e', next: 6 });
});

t.test('a doctored stream is refused', async (t) => {
  const cases: readonly (readonly [string, readonly (TopicMessage | TopicGap)[], RegExp, OnLag?])[] = [
    ['a record is left out', [message(1), message(3)], /2 to 2 are missing/],
    ['the first is left out', [message(2)], /1 to 1 are missing/],
    ['a record comes twice', [message(1), message(1)], /comes again/],
    ['two change places', [message(1), message(3), message(2)], /missing/],
    ['a record that never was', [...numbers(1, 10), message(11)], /never appended/],
    ['other data', [message(1, { data: Buffer.from('app.2|') })], /not what was appended/],
    ['another timestamp', [message(1, { timestampUs: 7 })], /another timestamp/],
    ['another epoch without a word', [message(1), message(2, { epoch: 'f' })], /without a word/],
    ['a GAP over what was delivered', [message(1), message(2), gap(2, 3, 'EVICTED')], /a gap from 2, while 3 is next/],
    ['a GAP that leaves something out', [message(1), gap(3, 3, 'EVICTED')], /a gap from 3, while 2 is next/],
    ['a GAP over what is retained', [message(1), gap(2, 4, 'EVICTED')], /4 is the first retained/],
    ['a GAP of nothing', [message(1), gap(2, 1, 'EVICTED')], /a gap from 2 to 1/],
    ['a skip that nobody wanted', [message(1), gap(2, 5, 'SKIPPED')], /nobody gave up/],
    ['given up', [message(1), gap(2, 5, 'CORRUPT')], /given up/],
    [
      'the newest of a key left out',
      [gap(1, 9, 'CONFLATED')],
      /9 was left out, and is the newest/,
      OnLag.LATEST_PER_KEY,
    ],
    ['a history that is not new', [message(1), gap(1, 1, 'EPOCH_CHANGED')], /declared new, and is not/],
  ];
  for (const [name, events, found, onLag] of cases) {
    t.throws(() => give(setUp(onLag).checker, events), { name: 'InvariantBroken', message: found }, name);
  }
});

t.test('back to an older history is refused', async (t) => {
  const { checker, oracle } = setUp();
  oracle.appended('f', frameOf(1, 11));
  give(checker, [message(1), gap(1, 0, 'EPOCH_CHANGED', 'f')]);
  t.throws(() => checker.gap(gap(1, 0, 'EPOCH_CHANGED')), /e is older than f/);
});

t.test('a log that takes what it should not is found', async (t) => {
  const cases: readonly (readonly [string, Messages, RegExp])[] = [
    ['an offset that is left out', frameOf(12, 11), /appended to at 12, behind 10/],
    ['a wrong prev_offset', { ...frameOf(11, 11), prevOffset: 9 }, /9 is before it/],
    ['a timestamp that falls', { ...frameOf(11, 11), timestampUs: 1 }, /timestamp falls/],
    ['a record that nobody published', frameOf(11, 13), /nobody published/],
    ['a record of another topic', { ...frameOf(1, 11), topic: 'b' }, /nobody published there/],
    ['a record for the second time', frameOf(11, 10), /appended again/],
    ['records in another order', frameOf(11, 12, 11), /behind 12 of the same publisher/],
    ['a changed record', { ...frameOf(11), records: [{ ...recordOf(11), key: 'other' }] }, /was changed/],
  ];
  for (const [name, frame, found] of cases) {
    t.throws(() => setUp().oracle.appended('e', frame), { name: 'InvariantBroken', message: found }, name);
  }
});

function numbers(from: number, to: number): TopicMessage[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
}
