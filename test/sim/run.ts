import { parseArgs } from 'node:util';
import { type Outcome, simulate } from './simulate.js';

const USAGE = `npm run simulate -- [--seed N] [--steps M] [--seeds K] [--json] [--trace] [--keep-going]

Runs K seeds from N on, each with M things done to its world, and stops at the first that fails, unless told to keep going.
--json prints a line for each; --trace prints what happened last in one that failed.
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '200' },
    seeds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const PROGRESS_MS = 5_000;

function report(outcome: Outcome): void {
  const { trace, ...summary } = outcome;
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  if (outcome.failure === undefined) return;
  process.exitCode = 1;
  process.stderr.write(`seed ${outcome.seed} fails: ${outcome.failure}\n`);
  process.stderr.write(`with: ${outcome.faults.join(', ')}\nagain: ${outcome.replay}\n`);
  if (values.trace) process.stderr.write(`${trace.join('\n')}\n`);
}

async function main(): Promise<void> {
  const [first, steps, count] = [Number(values.seed), Number(values.steps), Number(values.seeds)];
  const began = Date.now();
  let spokeMs = began;
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate(seed, steps);
    report(outcome);
    if (outcome.failure !== undefined && !values['keep-going']) return;
    if (Date.now() - spokeMs > PROGRESS_MS) {
      spokeMs = Date.now();
      process.stderr.write(`${seed - first + 1} of ${count} seeds\n`);
    }
    if (count === 1 && !values.json) process.stdout.write(`seed ${seed}: ${outcome.events} events, ${outcome.hash}\n`);
  }
  process.stderr.write(`${count} seeds, ${Math.round((Date.now() - began) / 100) / 10} s\n`);
}

if (values.help) process.stdout.write(USAGE);
else await main();
