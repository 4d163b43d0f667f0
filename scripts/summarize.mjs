// The last word on a run: `node scripts/summarize.mjs OUTPUT EXIT FAILED`, where OUTPUT has what the tests printed, EXIT is
// what they ended with, and FAILED how many checks beside them failed. What was skipped is told on a line of its own; the
// last line is `N passed, N failed`: what tap itself counted, and those checks. Tests that end with an error, print no count
// or do not pass at all have failed, whatever they counted.
import { readFileSync } from 'node:fs';

const [path = 0, exit = '0', others = '0'] = process.argv.slice(2);
const totals = readFileSync(path, 'utf8')
  .match(/^# \{ total: \d+.*\}$/gm)
  ?.at(-1);
const count = (name) => Number(totals?.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0);

const passed = count('pass');
const good = exit === '0' && passed > 0;
const failed = Math.max(count('fail'), good ? 0 : 1) + Number(others);
if (totals === undefined) console.log('the tests printed no totals');
if (count('skip') > 0) console.log(`${count('skip')} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
