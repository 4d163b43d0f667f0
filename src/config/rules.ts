import { fileKey } from './names.js';
import type { Config } from './options.js';
import type { Problem } from './problems.js';

/** Pairs of options of which the first must not exceed the second, and why. */
const NOT_ABOVE = [
  { low: 'reserveResume', high: 'maxConns', why: 'the reserve is a part of the slots' },
  { low: 'retainBytes', high: 'retainTotal', why: 'one topic cannot be given more than there is for all' },
] as const;

/** What is wrong between options that are each right by themselves. */
export const brokenRules = (config: Config): readonly Problem[] =>
  NOT_ABOVE.filter(({ low, high }) => config[low] > config[high]).map(({ low, high, why }) => ({
    type: 'rule',
    keys: [low, high],
    reason: `${fileKey(low)} (${config[low]}) must not be above ${fileKey(high)} (${config[high]}): ${why}`,
  }));
