import fc from 'fast-check';
import t from 'tap';
import { MemoryBudget, type TopicLog } from '../../src/log/index.js';
import { WeightClasses } from '../../src/log/weight-classes.js';
import { append, apply, command, Model, newLog, UNLIMITED } from './log-model.js';

t.test('10,000 quiet topics with a frame of 200 bytes each hold less than 100 MB', async (t) => {
  const budget = new MemoryBudget(Infinity);
  const logs = Array.from({ length: 10_000 }, () => newLog({}, budget));
  for (const log of logs) append(log, 200);
  t.ok(budget.bytes <= 10_000 * 4096);
  for (const log of logs) log.clear();
  t.equal(budget.bytes, 0);
});

t.test(
  'the budget is kept, the log that holds most gives first, and a chunk being written is never taken',
  async (t) => {
    const limit = 300_000;
    const budget = new MemoryBudget(limit);
    const big = newLog({}, budget);
    const small = Array.from({ length: 10 }, () => newLog({}, budget));
    for (const log of small) append(log, 3000);
    for (let i = 0; i < 2000; i++) {
      append(big, 1000);
      if (budget.bytes > limit) t.fail(`${budget.bytes} bytes are held`);
    }
    t.ok(big.first > 1 && big.bytes > limit / 3);
    t.ok(
      small.every((log) => log.first === 1),
      'those that hold little keep it',
    );
    t.equal(
      budget.bytes,
      [big, ...small].reduce((sum, log) => sum + log.allocated, 0),
    );

    append(big, 2 * limit);
    t.equal(big.first, big.head, 'a frame larger than the limit finds its place when all else has gone');
    t.ok(small.every((log) => log.bytes === 0));
    t.equal(budget.bytes, big.allocated);
    append(big, 100);
    t.ok(budget.bytes <= limit);
  },
);

t.test('among logs that hold as much, the one that has done so for longest gives first', async (t) => {
  const budget = new MemoryBudget(3 * 4096);
  const logs = Array.from({ length: 5 }, () => newLog({}, budget));
  for (const log of logs) append(log, 100);
  t.strictSame(
    logs.map((log) => log.bytes),
    [0, 0, 100, 100, 100],
  );
});

t.test('the heaviest is one of the highest class, and among those the one that came into it first', async (t) => {
  const classes = new WeightClasses<string>();
  t.equal(classes.heaviest(), undefined);
  classes.move('a', 0, 1);
  t.equal(classes.heaviest(), 'a');
  classes.move('b', 0, 1000);
  classes.move('c', 0, 1000);
  classes.move('b', 1000, 1001);
  t.equal(classes.heaviest(), 'b', 'a move within the class is none');
  classes.move('c', 1000, 1100);
  t.equal(classes.heaviest(), 'c', '10 % more is another class');
  classes.move('c', 1100, 0);
  classes.move('b', 1001, 0);
  t.equal(classes.heaviest(), 'a');
});

t.test('the budget is the sum of what logs hold, whatever they do', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 4 }), command), { maxLength: 300 }), (steps) => {
      const limit = 40_000;
      const budget = new MemoryBudget(limit);
      const logs = Array.from({ length: 5 }, () => newLog({ ageMs: 20 }, budget));
      for (const [which, command] of steps) {
        const log = logs[which] as TopicLog;
        apply(command, log, new Model(UNLIMITED));
        const held = logs.reduce((sum, { allocated }) => sum + allocated, 0);
        if (held !== budget.bytes) throw new Error(`${held} bytes are held, the budget says ${budget.bytes}`);
        if (held > limit && logs.every((log) => log.allocated !== held)) throw new Error(`${held} bytes are held`);
        if (command.do === 'append' && log.read(log.head, 1, Infinity) === undefined)
          throw new Error('append was lost');
      }
    }),
    { numRuns: 200 },
  );
  t.pass('equal in 200 runs');
});
