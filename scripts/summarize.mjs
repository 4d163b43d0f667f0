// Reads the output of a test run and prints what tap itself counted, as `N passed, N failed, N skipped`. Fails when
// anything failed, and when there is no count to be found or nothing passed: a run without tests is not a success.
import { readFileSync } from 'node:fs';

const output = readFileSync(process.argv[2] ?? 0, 'utf8');
const totals = output.match(/^# \{ total: \d+.*\}$/gm)?.at(-1);
const count = (name) => Number(totals?.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0);

const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip')];
if (totals === undefined) console.error('the test run printed no totals');
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = totals === undefined || passed === 0 || failed > 0 ? 1 : 0;
