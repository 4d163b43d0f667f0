import { equal } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { DuplicateBudget, DuplicateWindow, LogError } from '../../src/log/index.js';
import { halfSipHash } from '../../src/log/sip-hash.js';

const seed = { low: 0x03020100, high: 0x07060504 };

const newWindow = (capacity: number, budget = new DuplicateBudget()): DuplicateWindow =>
  new DuplicateWindow({ seed, budget, capacity });

/** Ids are looked up in the middle of larger arrays, as they are in a frame. */
const inFrame = (id: string): [Uint8Array, number, number] => {
  const bytes = Buffer.from(`..${id}..`);
  return [bytes, 2, bytes.length - 2];
};
const find = (window: DuplicateWindow, id: string): number => window.find(...inFrame(id));
const add = (window: DuplicateWindow, id: string, offset: number): void => window.add(...inFrame(id), offset);

/** Lengths from 0 to 64, and few enough ids that many are met again. */
const id = fc
  .tuple(fc.integer({ min: 0, max: 64 }), fc.nat({ max: 60 }))
  .map(([length, n]) => `${n}`.padEnd(length, '-').slice(0, 64));

/** What a window should be: the last `capacity` ids in a Map. */
class Model {
  readonly map = new Map<string, number>();
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  forgetOldest(): void {
    for (const oldest of this.map.keys()) {
      this.map.delete(oldest);
      break;
    }
  }

  findOrAdd(id: string, offset: number): number {
    const known = this.map.get(id);
    if (known !== undefined) return known;
    if (this.map.size === this.capacity) this.forgetOldest();
    this.map.set(id, offset);
    return 0;
  }
}

t.test('a window is the last ids in a Map, whatever comes and goes', async (t) => {
  const history = fc.array(fc.tuple(id, fc.nat({ max: 9 })), { maxLength: 800 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), history, (capacity, steps) => {
      const window = newWindow(capacity);
      const model = new Model(capacity);
      for (const [step, [id, dice]] of steps.entries()) {
        const known = model.map.get(id) ?? 0;
        equal(find(window, id), known);
        if (dice === 0) {
          window.forgetOldest();
          model.forgetOldest();
        } else {
          model.findOrAdd(id, step + 1);
          if (dice > 5) equal(window.findOrAdd(...inFrame(id), step + 1), known);
          else if (known === 0) add(window, id, step + 1);
        }
        equal(window.size, model.map.size);
      }
      for (const [id, offset] of model.map) equal(find(window, id), offset);
    }),
    { numRuns: 300 },
  );
  t.pass('equal in 300 runs');
});

t.test('never a false drop, and nothing forgotten too early, through many turns of a full window', async (t) => {
  const capacity = 5000;
  const window = newWindow(capacity);
  let wrong = 0;
  for (let i = 1; i <= 12 * capacity; i++) {
    if (find(window, `id-${i}`) !== 0) wrong++;
    add(window, `id-${i}`, i);
    if (i > capacity && find(window, `id-${i - capacity}`) !== 0) wrong++;
    const last = Math.max(1, i - capacity + 1);
    if (find(window, `id-${last}`) !== last) wrong++;
  }
  t.equal(wrong, 0);
  t.equal(window.size, capacity);
});

t.test('all windows together keep to the budget, and the one that holds most forgets first', async (t) => {
  const budget = new DuplicateBudget(1000);
  const big = newWindow(100_000, budget);
  const small = newWindow(100_000, budget);
  for (let i = 1; i <= 100; i++) add(small, `${i}`, i);
  for (let i = 1; i <= 5000; i++) add(big, `${i}`, i);
  t.equal(budget.ids, 1000);
  t.strictSame([small.size, big.size], [100, 900]);
  t.strictSame([find(big, '4100'), find(big, '4101'), find(small, '1')], [0, 4101, 1]);
  for (let i = 101; i <= 5000; i++) add(small, `${i}`, i);
  t.equal(budget.ids, 1000);
  t.ok(Math.min(small.size, big.size) > 440, `${small.size} and ${big.size}: within 9 % of each other, or nearly`);
  big.clear();
  t.equal(budget.ids, small.size);
  t.equal(find(big, '5000'), 0);
  small.clear();
  t.equal(budget.ids, 0);
});

t.test('the budget is the sum of what windows hold, whatever they do', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 20 })), { maxLength: 600 }), (steps) => {
      const budget = new DuplicateBudget(100);
      const windows = [5, 20, 60, 90].map((capacity) => newWindow(capacity, budget));
      steps.forEach(([which, dice], step) => {
        const window = windows[which] as DuplicateWindow;
        if (dice === 0) window.clear();
        else if (dice === 1) window.forgetOldest();
        else add(window, `${step}`, step + 1);
        const held = windows.reduce((sum, { size }) => sum + size, 0);
        if (held !== budget.ids || held > 100) throw new Error(`${held} ids are held, the budget says ${budget.ids}`);
        if (dice > 1 && find(window, `${step}`) !== step + 1) throw new Error('the newest was forgotten');
      });
    }),
    { numRuns: 200 },
  );
  t.pass('equal in 200 runs');
});

t.test('an id of 64 bytes is the longest', async (t) => {
  const window = newWindow(10);
  add(window, 'x'.repeat(64), 1);
  t.equal(find(window, 'x'.repeat(64)), 1);
  t.equal(find(window, 'x'.repeat(63)), 0);
  t.throws(() => add(window, 'x'.repeat(65), 2), new LogError('ID_TOO_LONG', 'an id of 65 bytes'));
  t.throws(() => window.findOrAdd(new Uint8Array(65), 0, 65, 2), new LogError('ID_TOO_LONG', 'an id of 65 bytes'));
  t.equal(window.size, 1);
});

t.test('the hash is HalfSipHash-1-3: the vectors of the Linux kernel, lib/siphash_kunit.c', async (t) => {
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => i);
  t.strictSame(
    Array.from(bytes, (length) => halfSipHash(seed, bytes, 0, length)),
    [0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6],
  );
});
