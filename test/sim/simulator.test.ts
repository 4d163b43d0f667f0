import t from 'tap';
import { REGRESSIONS } from './regressions.js';
import { type Outcome, simulate } from './simulate.js';

/** Always the same, so that a failure is the fault of the change that is being tested. */
const FIRST_SEED = 1;
const SEEDS = 1_000;
const STEPS = 200;
/** Seeds to a line of the report. */
const PART = 100;

// Twice what it takes on a busy machine of two cores.
t.setTimeout(240_000);

const shown = ({ seed, failure, faults, replay }: Outcome): string =>
  `seed ${seed}: ${failure}\n  with ${faults.join(', ')}\n  again: ${replay}`;

t.test('what once failed holds', async (t) => {
  for (const { seed, steps, showed } of REGRESSIONS) {
    const outcome = await simulate(seed, steps);
    t.equal(outcome.failure, undefined, `${showed}\n${shown(outcome)}`);
  }
});

t.test('a seed is the same world every time, and another seed is another', async (t) => {
  const once = await simulate(FIRST_SEED, STEPS);
  const again = await simulate(FIRST_SEED, STEPS);
  const other = await simulate(FIRST_SEED + 1, STEPS);
  t.strictSame(again, once);
  t.not(other.hash, once.hash);
});

for (let first = FIRST_SEED; first < FIRST_SEED + SEEDS; first += PART) {
  t.test(`seeds ${first} to ${first + PART - 1}, ${STEPS} steps each`, async (t) => {
    const hashes = new Set<string>();
    for (let seed = first; seed < first + PART; seed++) {
      const outcome = await simulate(seed, STEPS);
      hashes.add(outcome.hash);
      if (outcome.failure !== undefined) t.fail(shown(outcome));
    }
    t.equal(hashes.size, PART, 'no two worlds are the same');
  });
}
