import fc from 'fast-check';
import t from 'tap';
import { LogError, MemoryBudget } from '../../src/log/index.js';
import { append, apply, command, compareRead, compareState, Model, newLog, retention } from './log-model.js';

t.test('a log is a list of frames, whatever is appended, dropped and asked for', async (t) => {
  const history = fc.array(command, { maxLength: 120 });
  fc.assert(
    fc.property(retention, history, fc.infiniteStream(fc.nat()), (limits, commands, dice) => {
      const roll = (below: number): number => (dice.next().value as number) % below;
      const log = newLog(limits);
      const model = new Model(limits);
      for (const command of commands) {
        apply(command, log, model);
        const offset = roll(model.head + 2);
        compareRead(offset, roll(3) === 0 ? 0 : roll(2000), roll(2) === 0 ? Infinity : offset + roll(20), log, model);
        compareState(roll(40), roll(log.lastTimestampUs + 2), offset, log, model);
      }
    }),
    { numRuns: 400 },
  );
  t.pass('equal in 400 runs');
});

t.test('a reader that goes on at `next` is sent every frame once, in slices as full as they can be', async (t) => {
  const log = newLog();
  const frames = Array.from({ length: 3000 }, (_, i) => append(log, 100 + (i % 300), 1 + (i % 3), i % 4));
  const slices = [];
  for (let at = 1, slice = log.read(at, 65_536, Infinity); slice; slice = log.read(at, 65_536, Infinity)) {
    slices.push(slice);
    at = slice.next;
  }
  t.ok(Buffer.concat(slices.map(({ bytes }) => bytes)).equals(Buffer.concat(frames.map(({ data }) => data))));
  t.equal(
    slices.reduce((sum, { records }) => sum + records, 0),
    log.records,
  );
  t.ok(slices.length < 40, `${log.bytes} bytes in ${slices.length} slices`);
});

t.test('readers at the same place share one slice, and one at the head gets a longer one later', async (t) => {
  const log = newLog();
  for (let i = 0; i < 10; i++) append(log, 100);
  const behind = log.read(1, 300, Infinity);
  t.equal(log.read(1, 300, 4), behind, 'an end that cuts nothing off changes nothing');
  t.not(log.read(1, 300, 3), behind);
  const live = log.read(9, 65_536, Infinity);
  t.equal(log.read(9, 65_536, 11), live, 'whatever `until` beyond the head it names');
  append(log, 100);
  t.strictSame([live?.records, log.read(9, 65_536, Infinity)?.records], [2, 3]);
});

t.test('`until` keeps out frames that begin there or later, and lets one in that reaches over it', async (t) => {
  const log = newLog();
  for (let i = 0; i < 3; i++) append(log, 100, 3);
  const next = [1, 2, 4, 5, 7, 8, 10].map((until) => log.read(1, 65_536, until)?.next);
  t.strictSame(next, [undefined, 4, 4, 7, 7, 10, 10]);
});

t.test('a reservation that is abandoned leaves no trace', async (t) => {
  const log = newLog({ bytes: 300_000 });
  append(log, 100);
  log.reserve(10_000);
  log.reserve(20_000);
  append(log, 300_000, 2);
  t.strictSame([log.first, log.head, log.bytes], [2, 3, 300_000], 'over empty chunks to the next frame');
  t.ok(log.allocated < 300_100);
});

t.test('a slice outlives what it was taken from', async (t) => {
  const log = newLog({ bytes: 10_000 });
  const { data } = append(log, 5000);
  const slice = log.read(1, 65_536, Infinity);
  for (let i = 0; i < 500; i++) append(log, 5000);
  t.equal(log.first, 500);
  t.ok(slice?.bytes.equals(data));
});

t.test('R4 retention cuts at the very offset that is being resumed', async (t) => {
  const log = newLog({ records: 6 });
  for (let i = 0; i < 6; i++) append(log, 50, 2);
  t.equal(log.first, 7);
  t.equal(log.read(7, 1000, Infinity)?.first, 7, 'the first offset retained is delivered');
  t.equal(log.read(8, 1000, Infinity)?.first, 7, 'in the middle of a batch: the whole batch');
  t.equal(log.read(6, 1000, Infinity)?.first, 7, 'one below: what is left, and `first` tells what is lost');
  append(log, 50, 2);
  t.equal(log.first, 9);
  t.equal(log.read(7, 1000, Infinity)?.first, 9, 'the slice of a moment ago is not given again');
  log.clear();
  t.equal(log.read(9, 1000, Infinity), undefined);
  t.equal(log.first, log.head + 1);
});

t.test('age may empty a log, which still knows where it was', async (t) => {
  const log = newLog({ ageMs: 1 });
  append(log, 100, 3);
  append(log, 100, 3, 0, 500);
  log.expire(1000);
  t.equal(log.first, 1, 'exactly as old as it may be');
  log.expire(1001);
  t.equal(log.first, 4);
  log.expire(1501);
  t.strictSame([log.first, log.head, log.bytes, log.records, log.allocated], [7, 6, 0, 0, 0]);
  t.equal(append(log, 100).base, 7);
  t.equal(log.read(1, 1000, Infinity)?.first, 7);
});

t.test('the newest frame stays, though it alone is over the limits', async (t) => {
  const log = newLog({ bytes: 10, records: 1 });
  append(log, 100, 5);
  append(log, 100, 5);
  t.strictSame([log.first, log.head, log.bytes, log.records], [6, 10, 100, 5]);
});

t.test('chunks grow with what is retained, and no further', async (t) => {
  const sizes: number[] = [];
  const budget = (): MemoryBudget =>
    new MemoryBudget(Infinity, (size) => {
      sizes.push(size);
      return new ArrayBuffer(size);
    });
  const growing = newLog({}, budget());
  while (growing.bytes < 2_000_000) append(growing, 1000);
  t.equal(sizes[0], 4096);
  t.equal(sizes.at(-1), 262_144);
  t.ok(growing.allocated < growing.bytes * 1.2 + 262_144);
  sizes.length = 0;
  const small = newLog({ bytes: 5000 }, budget());
  for (let i = 0; i < 1000; i++) append(small, 100);
  t.strictSame([...new Set(sizes)], [4096]);
  sizes.length = 0;
  append(small, 1_000_000);
  t.ok((sizes[0] as number) - 1_000_000 < 100, 'a large frame has a chunk of its own size');
});

t.test('misuse is an error with a code, and changes nothing', async (t) => {
  const log = newLog();
  const code = (commit: () => void): string => {
    try {
      commit();
      return 'none';
    } catch (error) {
      return error instanceof LogError ? error.code : String(error);
    }
  };
  t.equal(
    code(() => log.commit(1, 1, 1, 0)),
    'NOT_RESERVED',
  );
  append(log, 100, 5, 0, 50);
  log.reserve(100);
  t.equal(
    code(() => log.commit(101, 6, 1, 50)),
    'NOT_RESERVED',
  );
  t.equal(
    code(() => log.commit(100, 5, 1, 50)),
    'OFFSET_NOT_RISING',
  );
  t.equal(
    code(() => log.commit(100, 6, 0, 50)),
    'OFFSET_NOT_RISING',
  );
  t.equal(
    code(() => log.commit(100, 6, 1, 49)),
    'TIMESTAMP_FALLING',
  );
  t.strictSame([log.head, log.bytes, log.read(6, 100, Infinity)], [5, 100, undefined]);
  t.equal(
    code(() => log.commit(40, 6, 1, 50)),
    'none',
    'less than was reserved',
  );
  t.equal(
    code(() => log.commit(40, 7, 1, 50)),
    'NOT_RESERVED',
    'a reservation serves once',
  );
});
